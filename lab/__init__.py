"""Real OpenSSH servers on this machine, with faults by name. See README.md."""

from lab.host import Host
from lab.lab import Home, Lab, LabError, can_isolate

__all__ = ["Home", "Host", "Lab", "LabError", "can_isolate"]
