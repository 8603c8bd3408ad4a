"""The fix as a script for a person to read and to run, as root, on the host: a block a host, guarded.

Nothing of it is ours to run. A text that came from a server is data in it, whatever it holds: see `_quoted`.
"""

from __future__ import annotations

import re
import shlex
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files

from kamal_forward_check.model import DEFAULT_PORT, Change, Daemon, Finding, Hop, HostKey, Report, Route, Severity
from kamal_forward_check.report.clean import one_line
from kamal_forward_check.report.words import headline

DEFAULT_NAME = "kamal-forward-fix.sh"

_OPTION = re.compile(r'[A-Za-z][A-Za-z0-9-]*(?:="(?:[^"\\]|\\.)*")?')
_NEW_OPTION = re.compile(r'port-forwarding|permit(?:listen|open)="[\x21\x23-\x5b\x5d-\x7e]+"')
_COMMAND_OF_A_RUNNER = "##["
_NO_BYTE = re.compile("[\0\ud800-\udc7f\udd00-\udfff]|\n(?=\n*\\Z)")
"""What no word of a shell can hold: NUL, line ends at its end, and of the surrogates those that stand for no byte."""
_PLAIN = frozenset(string.ascii_letters + string.digits + " _-./:=,@+")


@dataclass(frozen=True, slots=True)
class Block:
    """What one host needs: the lines that change together and their daemons, or why no script can do it."""

    host: str
    way: Route
    findings: tuple[Finding, ...]
    steps: tuple[str, ...] = ()
    """The shell words of each change, to be gone through in this order."""
    instead: tuple[str, ...] = ()
    """What to do by hand, where there is nothing that a script can change."""

    @property
    def hop(self) -> Hop:
        """The hop, as the first route that stops there goes to it."""
        return next(hop for hop in self.way.hops if hop.host.value == self.host)


def blocks(report: Report, named: Sequence[str] = ()) -> tuple[Block, ...]:
    """A block for each host that an error is about: of those that `named` names (host, user@host), or of all.

    A warning is no reason to touch a host, unless the host is named and has no error.
    """
    found: dict[str, list[Finding]] = {}
    for severity in (Severity.ERROR, *([Severity.WARNING] if named else [])):
        loud = [each for each in report.findings if each.severity is severity and each.hop and each.fix]
        hosts = dict.fromkeys(host for finding in loud for host in _hosts(finding))
        for host in hosts.keys() - found.keys():
            about = [finding for finding in loud if host in _hosts(finding)]
            if severity is Severity.ERROR or any(finding.fix and finding.fix.changes for finding in about):
                found[host] = about
    ways = {hop.host.value: trace.route for trace in reversed(report.traces) for hop in trace.route.hops}
    wanted = dict.fromkeys(hop.host.value for hop in hops(report) if not named or set(named) & names(hop))
    keys = {seen.hop.host.value: seen.host_key for trace in report.traces for seen in trace.hops if seen.host_key}
    return tuple(_block(host, ways[host], tuple(found[host]), keys.get(host)) for host in wanted if host in found)


def hops(report: Report) -> tuple[Hop, ...]:
    """Every hop of the report's routes, once."""
    return tuple(dict.fromkeys(hop for trace in report.traces for hop in trace.route.hops))


def names(hop: Hop) -> set[str]:
    """What a person may call a hop."""
    return {hop.host.value, hop.name, f"{hop.user}@{hop.host}"}


def render(chosen: Sequence[Block], again: str, name: str = DEFAULT_NAME) -> str:
    """The script for `chosen`; `again` is the command that checks again, `name` that of the script's file."""
    return "".join(f"{line}\n" for line in _lines(chosen, again, name))


def nothing(report: Report) -> str:
    """The script where no host is to be changed."""
    return f"{_comment(f'Nothing to change: {headline(report)}.')}\n"


def _hosts(finding: Finding) -> tuple[str, ...]:
    fix = finding.fix
    changed = [change.host for change in fix.changes] + [daemon.host for daemon in fix.daemons] if fix else []
    return tuple(dict.fromkeys(changed or ([finding.hop.host.value] if finding.hop else [])))


def _block(host: str, way: Route, findings: tuple[Finding, ...], key: HostKey | None) -> Block:
    fixes = [finding.fix for finding in findings if finding.fix]
    changes = dict.fromkeys(change for fix in fixes for change in fix.changes if change.host == host)
    daemons = dict.fromkeys(daemon for fix in fixes for daemon in fix.daemons if daemon.host == host)
    try:
        # A line is added last: it moves the numbers of the others.
        steps = [_change(change) for change in sorted(changes, key=lambda change: change.line is None)]
    except _ByHandError as why:
        return Block(host, way, findings, instead=(str(why), *_by_hand(findings)))
    steps += map(_daemon, daemons)
    if not steps:
        return Block(host, way, findings, instead=tuple(_by_hand(findings)))
    command = next((daemon.command for daemon in daemons), Daemon(host, DEFAULT_PORT).command)
    here = [_words("here", key.line.split()[-1], *command)] if key and key.line else []
    return Block(host, way, findings, (*here, *steps))


class _ByHandError(Exception):
    """A change that no script can make, and why."""


def _change(change: Change) -> str:
    if change.of_key and change.line and change.current:
        return _words("options", change.file, change.line, change.current, change.change_to, _plan(change))
    if not change.file.startswith("/"):
        raise _ByHandError(
            f"{change.current} is said by {change.file}, not by a file: change it where the service has its options "
            f"(SSHD_OPTS in /etc/default/ssh, OPTIONS in /etc/sysconfig/sshd, ExecStart in `systemctl cat ssh sshd`) "
            f"to {change.change_to}, and restart the service."
        )
    if change.line and change.current:
        return _words("replace", change.file, change.line, change.current, change.change_to)
    if change.line is None and not change.current:
        return _words("first", change.file, change.change_to.split()[0], change.change_to)
    raise _ByHandError(f"{change.file}: the text of the line is not known.")


def _daemon(daemon: Daemon) -> str:
    return _words("daemon", daemon.port, *daemon.command)


def _plan(change: Change) -> str:
    """The new options of a key's line: the number of one that stands there, or a new one.

    The values of most options were never shown to us, and stay on the host: they are named by their place.
    """
    old, new = (_OPTION.findall(options) for options in (change.current, change.change_to))
    words: list[str] = []
    for kind, first, beyond, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            words += [str(number + 1) for number in range(first, beyond)]
            continue
        words += new[start:end]
        taken_out = {word.lower() for word in old[first:beyond]}
        if not taken_out <= {"no-port-forwarding"} or not all(map(_NEW_OPTION.fullmatch, new[start:end])):
            raise _ByHandError(f"{change.file}:{change.line}: no script can tell how its options are to change.")
    return " ".join(words)


def _by_hand(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.code} {finding.message}"
        if finding.fix:
            yield finding.fix.summary
            yield from (f"  {command}" for command in finding.fix.commands)
        for candidate in finding.candidates:
            yield f"It fits: {candidate.keyword}: {candidate.why}. What settles it:"
            yield f"  {candidate.settle}"


def _lines(chosen: Sequence[Block], again: str, name: str) -> Iterator[str]:
    yield "#!/bin/sh"
    yield from map(_comment, _head(chosen, again, name))
    if not any(block.steps for block in chosen):
        yield from ("echo 'There is nothing here for a script to change: read it.' >&2", "exit 1")
        return
    yield "set -u"
    yield f"again={_quoted(again)}"
    yield ""
    for number, block in enumerate(chosen, 1):
        if block.steps:
            yield _comment(f"{block.host}: {', '.join(f'{each.code} {each.name}' for each in block.findings)}")
            yield f"host_{number}() {{"
            yield from (f"  {step}" for step in block.steps)
            yield "}"
            yield ""
    yield _shared().rstrip("\n")
    yield ""
    yield from _start(chosen)


def _head(chosen: Sequence[Block], again: str, name: str) -> Iterator[str]:
    for block in chosen:
        yield ""
        yield f"On {block.host}:"
        if block.instead:
            yield from (f"  {line}" for line in (*block.instead, *_beside(block)))
            continue
        yield from (f"  {text}" for text in _beside(block))
        argument = f" {shlex.quote(block.host)}" if len(chosen) > 1 else ""
        root = "" if block.hop.user.value == "root" else "sudo "
        yield "  Read this script, save it, and run it there as root, with a second session open:"
        address = _address(block.hop)
        yield f"    {shlex.join(['scp', *_way(block, 'P'), name, f'{address}:'])}"
        yield f"    {shlex.join(['ssh', *_way(block, 'p'), '-t', address])} {root}sh {shlex.quote(name)}{argument}"
    yield ""
    yield f"Then check again: {again}"
    yield ""


def _beside(block: Block) -> Iterator[str]:
    """What a person has to know before running it."""
    fixes = [finding.fix for finding in block.findings if finding.fix]
    yield from (f"Besides, by hand, or it will not be enough: {text}" for fix in fixes for text in fix.besides)
    yield from dict.fromkeys(fix.undone_by for fix in fixes if fix.undone_by)
    for way in dict.fromkeys(way for fix in fixes for way in fix.ways):
        yield f"{way.title}: {way.file}"
        yield from (f"    {line}" for line in way.lines)


def _address(hop: Hop) -> str:
    return f"{hop.user}@{f'[{hop.host}]' if ':' in hop.host.value else hop.host}"


def _way(block: Block, port_flag: str) -> Iterator[str]:
    """ssh's options for the way that Kamal goes to the block's host."""
    hop = block.hop
    before = block.way.hops[: block.way.hops.index(hop)]
    if before:
        yield from ("-J", ",".join(jump.name for jump in before))
    elif hop.proxy_command:
        yield from ("-o", f"ProxyCommand={hop.proxy_command}")
    if hop.port.value != DEFAULT_PORT:
        yield from (f"-{port_flag}", str(hop.port))


def _start(chosen: Sequence[Block]) -> Iterator[str]:
    """The last lines: which host's list it is. Read to its end before anything is done."""
    if len(chosen) == 1:
        yield "change host_1 </dev/null"
        return
    yield "case ${1-} in"
    for number, block in enumerate(chosen, 1):
        if block.steps:
            yield f"  {_quoted(block.host)}) change host_{number} </dev/null ;;"
    hosts = " ".join(shlex.quote(one_line(block.host)) for block in chosen if block.steps)
    yield f"  *) stop {_quoted(f'Say for which host, as the first word: {hosts}')} ;;"
    yield "esac"


@cache
def _shared() -> str:
    return (files(__package__) / "fix.sh").read_text(encoding="utf-8")


def _words(*words: str | int) -> str:
    return " ".join(_quoted(str(word)) for word in words)


def _quoted(text: str) -> str:
    r"""`text` as one word of a POSIX shell, without a character that could move a cursor.

    What does not print is written in octal for printf's %b, byte by byte; so is what a runner takes for a command.
    """
    if text.isprintable() and _COMMAND_OF_A_RUNNER not in text:
        return shlex.quote(text)
    raw = _NO_BYTE.sub("?", text).encode("utf-8", "surrogateescape")
    spelt = "".join(chr(byte) if chr(byte) in _PLAIN else f"\\0{byte:03o}" for byte in raw)
    return f"\"$(printf %b '{spelt}')\""


def _comment(text: str) -> str:
    return f"# {one_line(text)}".rstrip()
