"""What a refusal comes to: the cause, the lines to change, or the candidates and what would settle them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kamal_forward_check.model import Candidate, ServerLine


class Why(StrEnum):
    """What forbids the forward."""

    KEY = "key"  # the key's line, or its certificate, takes port forwarding away
    ROOT_LOCK = "root-lock"  # a cloud image's: root's key does nothing but say which user to log in as
    DISABLED = "DisableForwarding"
    OFF = "AllowTcpForwarding"
    KEY_LIST = "key-list"  # permitlisten, permitopen
    LIST = "list"  # PermitListen, PermitOpen
    EXPIRED = "expired"  # PAM withholds all forwards until the user's password is changed
    OWN_FORWARD = "own-forward"
    PORT_TAKEN = "port-taken"
    PRIVILEGED = "privileged"
    FAMILY = "AddressFamily"  # sshd has no IPv4
    NO_LOOPBACK = "no-loopback"  # the host has no 127.0.0.1
    CANNOT_BIND = "cannot-bind"
    NOT_ON_DISK = "not-on-disk"  # the running sshd says no, its files say yes
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why, with every line that must change (the deciding one first), or what it may be and what would settle it.

    `remarks` are sentences that say more of the cause; each is proven.
    """

    why: Why
    lines: tuple[ServerLine, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    holder: str = ""
    remarks: tuple[str, ...] = ()
