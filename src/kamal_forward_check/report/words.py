"""The words that all reports for people share."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from kamal_forward_check.model import (
    CONFIG_FILE,
    Cause,
    Certainty,
    Finding,
    HopTrace,
    Observation,
    Report,
    Role,
    ServerLine,
    Severity,
    Stage,
    Status,
    Vantage,
    Verdict,
    Way,
)

DOCS = "https://github.com/kamal-forward-check/kamal-forward-check/blob/main/docs/rules/{}.md"

VERDICTS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCOMPLETE: "?"}
MARKS = {Status.PASS: "✓", Status.FAIL: "✗", Status.SKIPPED: "·"}
HERE = {
    Vantage.LOCAL: "this machine",
    Vantage.RUNNER: "this runner",
    Vantage.CONTAINER: "this container",
}
NOT_TRIED = "not tried"
"""Of a hop that lies behind one that stops the way; of a stage for which a host has no means."""

_SECOND = 1000.0
_MOST_NAMED = 3
_SHORT_CAUSES = {
    Cause.HOST_KEY_UNKNOWN: "unknown",
    Cause.HOST_KEY_CHANGED: "changed",
    Cause.LOGIN_REFUSED: "refused",
    Cause.LOGIN_PARTIAL: "asks for more",
    Cause.LISTEN_DENIED: "refused",
    Cause.LISTEN_BUSY: "port in use",
    Cause.PROHIBITED: "refused",
    Cause.NO_DATA: "none came",
    Cause.CANNOT_RUN: NOT_TRIED,
}
"""Causes in words that read well beside the name of their stage."""


def docs(code: str) -> str:
    """Where the page of a finding's code is read."""
    return DOCS.format(code)


def duration(ms: float) -> str:
    """`84 ms`, `1.2 s`."""
    return f"{ms:.0f} ms" if ms < _SECOND else f"{ms / _SECOND:.1f} s"


def count(number: int, noun: str) -> str:
    """`1 host`, `3 hosts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(names: Sequence[str], most: int = _MOST_NAMED) -> list[str]:
    """The first names, and how many more there are."""
    more = len(names) - most
    return [*names[:most], *([f"{more} more"] if more > 0 else [])]


def some(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """`a`, `a and b`, `a, b, c and 47 more`."""
    first = shown(names, most)
    return " and ".join(filter(None, (", ".join(first[:-1]), *first[-1:])))


def outcome(seen: Observation) -> str:
    """What a stage came to, beside its name: its time, or what stopped it."""
    if seen.status is Status.PASS:
        return duration(seen.ms)
    if seen.cause is None:
        return "failed" if seen.status is Status.FAIL else NOT_TRIED
    return _SHORT_CAUSES.get(seen.cause) or seen.cause.replace("-", " ")


def stage(named: Stage) -> str:
    """A stage's name."""
    return named.replace("-", " ")


def headline(report: Report) -> str:
    """The verdict, in words."""
    hosts = {trace.route.target for trace in report.traces}
    if report.verdict is Verdict.PASS:
        if not report.forwarding.needed:
            return report.forwarding.reason
        if not report.traces:
            return f"Kamal accepts {report.file}; no route was walked"
        return f"forward works on {len(hosts)} of {count(len(hosts), 'host')}"
    if report.verdict is Verdict.INCOMPLETE:
        if not report.traces:
            unread = any(item.what == report.file for item in report.skipped)
            why = f"{report.file} can't be judged here" if unread else "the forward was asked for on no host"
            return f"not known: {why}"
        asked = {trace.route.target for trace in report.traces if trace.verdict is not Verdict.INCOMPLETE}
        return f"not known: the forward was asked for on {len(asked)} of {count(len(hosts), 'host')}"
    stopped = {trace.route.target for trace in report.traces if trace.failing}
    if stopped:
        return f"forward stopped on {len(stopped)} of {count(len(hosts), 'host')}"
    wrong = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if all(finding.hop is None for finding in wrong):
        files = dict.fromkeys(finding.location.file for finding in wrong if finding.location)
        return f"Kamal would reject {some(list(files) or [report.file])}"
    return f"{count(errors(report), 'error')} found"


def errors(report: Report) -> int:
    """How many findings are errors."""
    return sum(finding.severity is Severity.ERROR for finding in report.findings)


def closing(report: Report) -> str:
    """The last line: the verdict, what is to be done about it, and the time it took."""
    return " · ".join((headline(report), *tally(report), duration(report.total_ms)))


def tally(report: Report) -> tuple[str, ...]:
    """How much there is to change, and how many warnings there are."""
    warnings = sum(finding.severity is Severity.WARNING for finding in report.findings)
    return (
        *([f"{count(errors(report), 'thing')} to change"] if errors(report) else []),
        *([count(warnings, "warning")] if warnings else []),
    )


def context(report: Report) -> tuple[str, ...]:
    """What was checked: the file, the destination, whose rules, which forward."""
    forwarding = report.forwarding
    return (
        report.file,
        *([f"destination {report.destination}"] if report.destination else []),
        f"Kamal {report.kamal.version} ({report.kamal.source})",
        *([f"forward 127.0.0.1:{forwarding.port}"] if forwarding.needed and forwarding.port else []),
    )


def proof(report: Report) -> str:
    """What shows that the forward works, in one sentence; an empty text where nothing does."""
    targets = [trace.hops[-1] for trace in report.traces]
    through = [seen for seen in targets if (data := seen.at(Stage.DATA)) and data.status is Status.PASS]
    if not through:
        return ""
    held = duration(max(seen.held_ms for seen in through))
    who = through[0].hop.host.value if len(through) == 1 else f"each of {len(through)} hosts"
    return f"Data went from {who} to our stand-in for the registry and back; forward up for {held}"


def also(finding: Finding) -> str:
    """Whom else the fault stops, in words."""
    if finding.hop is None:
        return ""
    others = others_stopped(finding)
    if not others:
        return ""
    if finding.hop.role is Role.TARGET:
        return f"also {some(others)}"
    return f"{'stops' if finding.severity is Severity.ERROR else 'on the way to'} {some(others)}"


def others_stopped(finding: Finding) -> tuple[str, ...]:
    """The hosts that a fault stops, besides the one that has it."""
    own = finding.hop.host.value if finding.hop else ""
    return tuple(host for host in finding.affects if host != own)


def hosts_to_change(finding: Finding) -> tuple[str, ...]:
    """The hosts on which the fix's commands are to be typed."""
    changed = tuple(dict.fromkeys(change.host for change in finding.fix.changes)) if finding.fix else ()
    if changed or finding.hop is None:
        return changed
    return (finding.hop.host.value,)


def to_do(finding: Finding) -> str:
    """The one thing to do, in a sentence; where the lines to change are shown below it, they are not said again."""
    fix = finding.fix
    if fix is None:
        return ""
    if not fix.changes or fix.besides or not all(change.line and change.current for change in fix.changes):
        return fix.summary
    places = {(change.file, change.line) for change in fix.changes}
    what = "this line" if len(places) == 1 else f"these {len(places)} lines together"
    if all(change.of_key for change in fix.changes):
        what = f"the options of {what}"
    return f"Change {what} on {some(hosts_to_change(finding))}:"


def script_offer(finding: Finding) -> str:
    """What the script that `script_command` prints is, beside the commands for a person's own hands."""
    if finding.fix and not finding.fix.changes:
        return "With a script that tests sshd's files first, and changes none:"
    by_hand = finding.fix and finding.fix.commands
    return f"{'Or with' if by_hand else 'With'} a script that backs up first, and undoes all where a step fails:"


def script_command(report: Report, finding: Finding) -> str:
    """The command that prints the finding's script; an empty text where a script can't make the change."""
    fix = finding.fix
    if not fix or not (fix.changes or fix.daemons) or not all(change.file.startswith("/") for change in fix.changes):
        return ""
    hosts = hosts_to_change(finding)
    named = hosts if len(hosts) <= _MOST_NAMED else ()  # without a name, every host that stops a route gets its part
    words = ["kamal-forward-check", "fix", *(word for host in named for word in ("--hop", host))]
    if report.file != CONFIG_FILE:
        words += ("--config-file", report.file)
    if report.destination:
        words += ("--destination", report.destination)
    return shlex.join(words)


def in_deploy_yml(way: Way, report: Report) -> bool:
    """The way is a change of Kamal's own file."""
    return way.file.startswith(f"{report.file}:")


def how_known(line: ServerLine, report: Report, finding: Finding) -> str:
    """How sure we are of a server's line, and why."""
    if line.certainty is Certainty.KEYWORD:
        return "by what the server said on the wire; the line itself was not seen"
    if line.certainty is Certainty.CANDIDATES:
        return "the likeliest of several"
    seen = _seen(report, finding)
    version = f" ({_software(seen.heard.version)})" if seen and seen.heard.version else ""
    return f"named by the host's own sshd{version}"


def _software(version: str) -> str:
    """`OpenSSH 9.6p1` of `SSH-2.0-OpenSSH_9.6p1 Ubuntu-3` (RFC 4253 §4.2: a comment may follow)."""
    return version.removeprefix("SSH-2.0-").partition(" ")[0].replace("_", " ")


def _seen(report: Report, finding: Finding) -> HopTrace | None:
    return next((seen for trace in report.traces for seen in trace.hops if seen.hop == finding.hop), None)
