"""What can be wrong with a host, by name, each declared in one place: a module for each family."""

from __future__ import annotations

from lab.faults import forwarding, keys, logins, network, places, ports, servers, today
from lab.faults.registry import ALL, Fault, named

__all__ = ["ALL", "FAMILIES", "Fault", "named"]

FAMILIES = (forwarding, places, keys, ports, network, logins, servers, today)
"""The modules that declare the faults."""
