"""known_hosts lines that came as text: which of them ssh passes over, and why (sshd(8), SSH_KNOWN_HOSTS FORMAT)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

CALLED = "ssh-known-hosts"
MARKERS = ("@revoked", "@cert-authority")

_KIND = re.compile(r"(ssh-|ecdsa-|sk-)\S+")
_HASHED = re.compile(r"\|1\|[A-Za-z0-9+/]{27}=\|[A-Za-z0-9+/]{27}=")
_PORT_ALONE = re.compile(r"!?[^\[\]:]+:\d+")
_MOST = 5


def notes(text: str) -> tuple[str, ...]:
    """What is to be known of `text`: a line that says nothing to ssh, by its number. No note holds a piece of it."""
    if "PRIVATE KEY" in text:
        return (f"{CALLED} holds a private key: give that as ssh-private-key, and store another: this one was shown",)
    if "\\n" in text:
        return (f"{CALLED} has the two characters \\n where its line ends should be: ssh-keyscan HOST prints them",)
    found = [f"{CALLED}, line {number}: {why}" for number, line in _lines(text) if (why := _fault(line.split()))]
    more = len(found) - _MOST
    return (*found[:_MOST], *([f"{CALLED}: {more} more such lines"] if more > 0 else []))


def is_key(kind: str, text: str) -> bool:
    """Whether a key's base64 text is a whole one of the kind that is named before it (RFC 4253 §6.6)."""
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    rest = blob
    while len(rest) > 3 and "-cert-" not in kind:  # noqa: PLR2004 - strings, each after its length of four bytes
        length = 4 + int.from_bytes(rest[:4])
        if length > len(rest):
            return False
        rest = rest[length:]
    return blob[4 : 4 + len(kind)] == kind.encode() and (not rest or rest is blob)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def _fault(words: list[str]) -> str:
    """Why ssh passes a line over; empty where it does not."""
    if words[0].startswith("@") and words.pop(0) not in MARKERS:
        return f"there is no such marker; ssh knows {' and '.join(MARKERS)}"
    if words and _KIND.fullmatch(words[0]):
        return "begins with its key: write the host's name before it, as ssh-keyscan does"
    if words and words[0].startswith(("SHA256:", "MD5:")):
        return "is a fingerprint: write the key itself, as ssh-keyscan prints it"
    if len(words) < 3 or not _KIND.fullmatch(words[1]):  # noqa: PLR2004 - names, kind, key
        return "is no line of known_hosts, which has a host, a kind of key, and the key"
    if not is_key(words[1], words[2]):
        return "its key is cut off or damaged"
    if words[0].startswith("|") and not _HASHED.fullmatch(words[0]):
        return "its hashed name is cut off or damaged"
    if any(_PORT_ALONE.fullmatch(name) for name in words[0].split(",")):
        return "a name with a port is written [host]:port"
    return ""
