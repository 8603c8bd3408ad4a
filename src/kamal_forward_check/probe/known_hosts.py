"""The keys that known_hosts files hold for a host, and the verdict on the key that it shows.

paramiko's own reader fails as a whole on a marker line and knows no wildcards (sshd(8), "SSH_KNOWN_HOSTS
FILE FORMAT"), so the files are read here; paramiko is given none and every key is judged here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kamal_forward_check.known_lines import MARKERS, is_key
from kamal_forward_check.model import HostKey, HostKeyRule
from kamal_forward_check.probe.causes import HostKeyChangedError, HostKeyUncheckedError, HostKeyUnknownError
from kamal_forward_check.system import System

if TYPE_CHECKING:
    import paramiko

_REVOKED, _AUTHORITY = MARKERS


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that a line of known_hosts has for a host: its type and its base64 text."""

    kind: str
    text: str
    marker: str = ""
    by_other_name: bool = False
    """Known by a name of the rule's `also`: the very key makes the host known, another one proves nothing."""


def known_keys(rule: HostKeyRule, system: System) -> tuple[KnownKey, ...]:
    """Every key that the rule's files and lines have for its names, those of certificate authorities among them."""
    texts = [rule.lines, *(system.read_text(system.path(file)) or "" for file in rule.files)]
    lines = (line for text in texts for line in text.splitlines())
    return tuple(_matching(lines, rule))


def judge(rule: HostKeyRule, known: tuple[KnownKey, ...], key: paramiko.PKey) -> HostKey:
    """The key as seen; raises HostKeyUnknownError or HostKeyChangedError where the client would stop.

    Raises HostKeyUncheckedError where a certificate authority is trusted: paramiko asks no host for its certificate.
    """
    text = key.get_base64()
    fingerprint = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    plain = [k for k in known if not k.marker]
    pinned = any(k.text == text for k in plain)
    seen = HostKey(
        kind=key.get_name(),
        fingerprint=f"SHA256:{fingerprint}",
        line=f"{rule.names[0]} {key.get_name()} {text}",
        known=pinned,
    )
    if any(k.text == text and k.marker == _REVOKED for k in known):
        raise HostKeyChangedError(seen)
    if pinned:
        return seen
    if any(k.marker == _AUTHORITY for k in known):
        raise HostKeyUncheckedError(seen)
    if any(not k.by_other_name for k in plain):
        if not rule.accept_changed:
            raise HostKeyChangedError(seen)
    elif not rule.accept_unknown:
        raise HostKeyUnknownError(seen)
    return seen


def _matching(lines: Iterable[str], rule: HostKeyRule) -> Iterator[KnownKey]:
    names, also = ([name.lower() for name in some] for some in (rule.names, rule.also))
    for line in lines:
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or marker not in ("", *MARKERS):  # noqa: PLR2004
            continue
        if not is_key(words[1], words[2]):  # of SSH 1, or garbage: ssh passes such a line over
            continue
        named = any(_names(words[0], name) for name in names)
        if named or any(_names(words[0], name) for name in also):
            yield KnownKey(words[1], words[2], marker, by_other_name=not named)


def _names(pattern: str, name: str) -> bool:
    if pattern.startswith("|1|"):
        return _hashed(pattern, name)
    parts = pattern.lower().split(",")
    if any(part.startswith("!") and _glob(part[1:], name) for part in parts):
        return False
    return any(_glob(part, name) for part in parts)


def _glob(pattern: str, name: str) -> bool:
    # ssh knows * and ? only: fnmatch's [ would take the brackets of "[host]:port" for a set.
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _hashed(pattern: str, name: str) -> bool:
    try:
        salt, wanted = (base64.b64decode(part, validate=True) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), "sha1").digest(), wanted)
