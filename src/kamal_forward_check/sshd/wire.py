"""What sshd says on the wire, word for word, and what it proves.

The texts are the same from OpenSSH 8.2 to 10.5 (measured); key options are named in one line since 7.7, and before
that in a sentence for each option that a key has; "port forwarding refused" is since 7.8. dropbear says nothing at all.
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

_OLD_KEY = {
    # Before 7.7 (auth-options.c): what each of a key's options was told as, and what it comes to for us.
    "Key is restricted.": False,
    "Port forwarding disabled.": False,
    "Port forwarding enabled.": True,
}
_OLD_COMMAND = "Forced command."

_KEY_OPTIONS = re.compile(r"^(?:(?P<file>.+?):(?P<line>\d{1,9})|cert): key options:(?P<names>.*)$")


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """What the key that let us in may do, and the line of authorized_keys that says so.

    `file` is empty where a certificate says so, and where an old sshd does not tell. `names` are what is allowed or
    imposed: port-forwarding, permitlisten, permitopen, command, pty ...
    """

    file: str
    line: int
    names: frozenset[str]
    of_certificate: bool = False
    """It is the certificate that says so, not the line."""

    @property
    def forwarding(self) -> bool:
        """The key may forward ports."""
        return "port-forwarding" in self.names

    @property
    def command(self) -> bool:
        """The key runs a command of its own, whatever we would ask for."""
        return "command" in self.names


def key_options(debug: Iterable[str]) -> KeyOptions | None:
    """The key options that sshd told after the login; None where it told none (password, dropbear).

    A certificate of a cert-authority line is told in two lines of one place: the line's options, then its own. What is
    missing in either is off; what either imposes holds.
    """
    debug = tuple(debug)
    told = [match for text in debug if (match := _KEY_OPTIONS.match(text))]
    if not told:
        return _old_key_options(debug)
    names = [frozenset(match["names"].split()) for match in told]
    allowed = frozenset.intersection(*names)
    imposed = frozenset.union(*names) & {"command", "permitlisten", "permitopen"}
    # What is to change is the first that withholds forwarding, else the first.
    at = next((n for n, each in enumerate(names) if "port-forwarding" not in each), 0)
    if not told[at]["file"] or _place(told[at]) in map(_place, told[:at]):
        return KeyOptions("", 0, allowed | imposed, of_certificate=True)
    return KeyOptions(*_place(told[at]), allowed | imposed)


def _place(told: re.Match[str]) -> tuple[str, int]:
    return told["file"] or "", int(told["line"] or 0)


def _old_key_options(debug: tuple[str, ...]) -> KeyOptions | None:
    """What an sshd before 7.7 told: a sentence for each option that a key has, and nothing of a key without any."""
    forwards = [_OLD_KEY[text] for text in debug if text in _OLD_KEY]
    command = {"command"} if _OLD_COMMAND in debug else set()
    if not forwards and not command:
        return None
    allowed = {"port-forwarding"} if all(forwards[-1:]) else set()  # the last word counts
    return KeyOptions("", 0, frozenset(allowed | command))


def may_listen(debug: Iterable[str]) -> bool:
    """Of a listen that was denied: sshd did not say that it forbids it. Other servers say nothing either way."""
    return not {FORWARDING_DISABLED, PERMIT_REFUSED} & set(debug)


def is_openssh(version: str) -> bool:
    """The server is OpenSSH, by its own version line."""
    return "OpenSSH" in version


def is_old(version: str) -> bool:
    """An OpenSSH before 7.7, which tells nothing of a key without options, nor of its lists."""
    return is_openssh(version) and _since(version, (7, 7)) is False


def _since(version: str, wanted: tuple[int, int]) -> bool | None:
    """Whether an OpenSSH is `wanted` or newer; None of a server that does not tell."""
    found = re.search(r"OpenSSH_(?:for_Windows_)?(\d{1,3})\.(\d{1,3})", version)
    return (int(found[1]), int(found[2])) >= wanted if found else None


def version_name(version: str) -> str:
    """`OpenSSH 9.2p1` from `SSH-2.0-OpenSSH_9.2p1 Debian-2`."""
    words = version.split("-", 2)[-1].split()
    return words[0].replace("_", " ", 1) if words else ""


def streamlocal_disabled(asides: Mapping[Aside, AsideAnswer], version: str) -> bool | None:
    """Whether sshd refuses streamlocal forwards as a whole; None where it was not asked, or its silence tells nothing.

    One that allows them refuses the path that was asked for, in the words that it has for lists, or, from 8.2 on
    (measured), in none.
    """
    answer = asides.get(Aside.STREAMLOCAL)
    if answer is None:
        return None
    if {STREAMLOCAL_DISABLED, FORWARDING_DISABLED} & set(answer.debug):
        return True
    return False if PERMIT_REFUSED in answer.debug or _since(version, (8, 2)) else None


def opens_channels(asides: Mapping[Aside, AsideAnswer]) -> bool | None:
    """Whether the hop's policy let a channel to its own sshd through; None where it was not asked."""
    answer = asides.get(Aside.OWN_SSHD)
    return None if answer is None else answer.granted or answer.code != 1
