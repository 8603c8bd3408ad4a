"""What sshd says on the wire, word for word, and what it proves.

The texts are the same from OpenSSH 8.2 to 10.5 (measured); key options are named since 7.7, "port forwarding
refused" since 7.8. dropbear says nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kamal_forward_check.model import Aside, AsideAnswer

FORWARDING_DISABLED = "Server has disabled port forwarding."
STREAMLOCAL_DISABLED = "Server has disabled streamlocal forwarding."
PERMIT_REFUSED = "port forwarding refused"
GATEWAY_OVERRIDE = "overridden by server GatewayPorts"

_KEY_OPTIONS = re.compile(r"^(?:(?P<file>.+?):(?P<line>\d{1,9})|cert): key options:(?P<names>.*)$")


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """What the key that let us in may do, and the line of authorized_keys that says so.

    `file` is empty for a certificate of TrustedUserCAKeys. `names` are what is allowed or imposed:
    port-forwarding, permitlisten, permitopen, command, pty ...
    """

    file: str
    line: int
    names: frozenset[str]

    @property
    def forwarding(self) -> bool:
        """The key may forward ports."""
        return "port-forwarding" in self.names

    @property
    def command(self) -> bool:
        """The key runs a command of its own, whatever we would ask for."""
        return "command" in self.names


def key_options(debug: Iterable[str]) -> KeyOptions | None:
    """The key options that sshd told after the login; None where it told none (password, dropbear, 7.6).

    A certificate of a cert-authority line is told in two lines, and what is missing in either is off; what
    either imposes holds.
    """
    told = [match for text in debug if (match := _KEY_OPTIONS.match(text))]
    if not told:
        return None
    names = [frozenset(match["names"].split()) for match in told]
    allowed = frozenset.intersection(*names)
    imposed = frozenset.union(*names) & {"command", "permitlisten", "permitopen"}
    # The line to change is the first that withholds forwarding, else the first.
    line = next((m for m, n in zip(told, names, strict=True) if "port-forwarding" not in n), told[0])
    return KeyOptions(line["file"] or "", int(line["line"] or 0), allowed | imposed)


def may_listen(debug: Iterable[str]) -> bool:
    """Of a listen that was denied: sshd did not say that it forbids it. Other servers say nothing either way."""
    return not {FORWARDING_DISABLED, PERMIT_REFUSED} & set(debug)


def is_openssh(version: str) -> bool:
    """The server is OpenSSH, by its own version line."""
    return "OpenSSH" in version


def version_name(version: str) -> str:
    """`OpenSSH 9.2p1` from `SSH-2.0-OpenSSH_9.2p1 Debian-2`."""
    words = version.split("-", 2)[-1].split()
    return words[0].replace("_", " ", 1) if words else ""


def streamlocal_disabled(asides: Mapping[Aside, AsideAnswer]) -> bool | None:
    """Whether sshd refuses streamlocal forwards as a whole; None where it was not asked."""
    answer = asides.get(Aside.STREAMLOCAL)
    return None if answer is None else STREAMLOCAL_DISABLED in answer.debug


def opens_channels(asides: Mapping[Aside, AsideAnswer]) -> bool | None:
    """Whether the hop's policy let a channel to its own sshd through; None where it was not asked."""
    answer = asides.get(Aside.OWN_SSHD)
    return None if answer is None else answer.granted or answer.code != 1
