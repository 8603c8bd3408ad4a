"""Beside the line that decides: a narrower place for the change, and what would undo it.

In place comes first. It is one value in the very line that sshd obeys, so nothing that stands elsewhere can come
before it. Where that line is for everybody, it also opens the way for everybody: then a `Match User` block for the
login alone is the least that works. A matching block beats every line outside of blocks (sshd_config(5)). It is not
offered where a block decides already: that line is narrow, and which of two blocks comes first is easily got wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from kamal_forward_check.model import HopTrace, Role, ServerLine, Span, Way
from kamal_forward_check.sshd import advice, effective, permits
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.effective import Effective

DROP_IN = "00-kamal-forward.conf"
_FIRST_WITH_LISTS = (7, 8)  # PermitListen came with 7.8, sshd_config(5) has PermitOpen in Match since long before
_FIRST_WITH_SOUND_INCLUDES = (8, 4)  # 8.2 and 8.3 pass over a Match block of an included file (bugzilla 3122)
_VERSION = re.compile(r"OpenSSH_(\d{1,3})\.(\d{1,3})")
_PLAIN_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_INCLUDE = re.compile(
    r"^debug2: (?P<file>.+) line (?P<line>\d{1,9}): new include (?P<glob>/.+/\*\.conf)$", re.MULTILINE
)


def scoped(seen: HopTrace, lines: Sequence[ServerLine], roles: Collection[Role], asked: Iterable[Asked]) -> Way | None:
    """A Match block for this login alone that does what `lines` would do for all; None where one is not sure to win."""
    holds, user = effective.read(seen.host_said), seen.hop.user.value
    keywords = {line.keyword.lower() for line in lines}
    narrowed = keywords & {"allowtcpforwarding", "disableforwarding"} and keywords <= advice.FORWARDING
    if not (holds and not holds.doubt and narrowed and advice.for_all(seen) and _PLAIN_USER.fullmatch(user)):
        return None
    if any(advice.is_of_key(seen, line) for line in lines):
        return None  # no block of sshd_config gives back what the key's own line withholds
    block = (f"Match User {user}", *(f"    {setting}" for setting in _settings(seen, holds, roles, asked)))
    if folder := _drop_ins(seen, holds):
        return Way(f"Narrower, for {user} alone, in a new file", str(folder / DROP_IN), block)
    return Way(f"Narrower, for {user} alone, at the end of", holds.main, block)


def _settings(seen: HopTrace, holds: Effective, roles: Collection[Role], asked: Iterable[Asked]) -> Iterator[str]:
    role, stood = seen.hop.role, holds.values["allowtcpforwarding"].lower()
    if holds.values.get("disableforwarding") == "yes":
        yield "DisableForwarding no"
        stood = "no"  # whatever it says: nothing was forwarded
    yield f"AllowTcpForwarding {'yes' if len(roles) > 1 else advice.allow_tcp_forwarding(stood, role)}"
    if len(roles) == 1 and _version(seen) >= _FIRST_WITH_LISTS:
        listed = holds.values.get(permits.OPTION[role], "any")
        words = [] if listed in ("any", "none") else listed.split()
        yield " ".join((permits.KEYWORD[role], *dict.fromkeys((*words, *map(str, asked)))))


def _drop_ins(seen: HopTrace, holds: Effective) -> PurePosixPath | None:
    """The folder whose *.conf sshd reads before its main file sets anything; a later Include may be in a block."""
    if _version(seen) < _FIRST_WITH_SOUND_INCLUDES:
        return None
    main = holds.main
    sets = min((line for file, line, _, _, second in holds.active if file == main and not second), default=0)
    for found in _INCLUDE.finditer(seen.host_said.get("sshd", "")):
        if found["file"] == main and (not sets or int(found["line"]) < sets):
            return PurePosixPath(found["glob"]).parent
    return None


def _version(seen: HopTrace) -> tuple[int, int]:
    found = _VERSION.search(seen.heard.version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def undone_by(lines: Iterable[ServerLine]) -> str:
    """Who writes the file of one of `lines` anew, as far as its name and text tell, and where to change it for good."""
    for line in lines:
        text = "\n".join((line.file, line.current, *(near for _, near in line.excerpt)))
        for signs, sentence in _KEEPERS:
            if signs.search(text):
                return sentence.format(file=PurePosixPath(line.file).name, keyword=line.keyword)
    return ""


def _keeper(signs: str, sentence: str) -> tuple[re.Pattern[str], str]:
    return re.compile(signs, re.IGNORECASE), sentence


_KEEPERS = (
    _keeper(
        r"complianceascode|openscap|\bxccdf\b",
        "ComplianceAsCode (OpenSCAP, usg) wrote {file}: its next remediation writes it anew, and takes {keyword} out "
        "of every other file. Leave the rule for {keyword} out of its profile.",
    ),
    _keeper(
        r"dev-?sec|ssh[_-]hardening|no real advantage without denied shell access",
        "The ssh_hardening role of dev-sec writes {file}: its next run undoes this. Change it there: its "
        "sshd_custom_options come first in the file; older releases turn ssh_allow_tcp_forwarding: remote into no.",
    ),
    _keeper(r"cloud-?(?:init|img)", "cloud-init writes {file}: change it in the machine's user data as well."),
    *(
        _keeper(signs, f"{tool} writes {{file}}: its next run undoes this. Change it there.")
        for signs, tool in (
            (r"ansible", "Ansible"),
            (r"puppet", "Puppet"),
            (r"\bchef\b", "Chef"),
            (r"salt\s?stack|managed by salt", "Salt"),
        )
    ),
    _keeper(
        r"do not edit|don't edit|managed by|(?:auto(?:matically)?[ -]?)generated",
        "{file} says of itself that a tool writes it: the tool's next run undoes this. Change it there.",
    ),
    _keeper(
        r"\b(?:cis|stig)\b",
        "{file} follows a hardening rule (CIS, STIG): to apply it again undoes this. Note an exception there.",
    ),
)
"""Signs in a file's name or its text, and what is to be said. The first that fits counts."""


def remote_registry(at: Span) -> Way:
    """The other way out: a registry that the hosts reach by themselves needs no forward."""
    return Way(
        "Can't change the server? A remote registry needs no forward",
        f"{at.file}:{at.line}",
        (
            "registry:",
            "  server: registry.example.com",
            "  username: USER",
            "  password:",
            "    - KAMAL_REGISTRY_PASSWORD  # in .kamal/secrets: KAMAL_REGISTRY_PASSWORD=$KAMAL_REGISTRY_PASSWORD",
        ),
    )
