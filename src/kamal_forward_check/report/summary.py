"""The job summary: Markdown for GitHub, which drops one of more than 1 MiB whole.

It may be public: of a server's file it shows the lines to change, and never their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kamal_forward_check.model import Finding, HopTrace, Report, Severity, Stage, Verdict, Way
from kamal_forward_check.report import words
from kamal_forward_check.report.change import blocks
from kamal_forward_check.report.clean import cleaned
from kamal_forward_check.report.fold import ways
from kamal_forward_check.report.markdown import block, cell_code, code, folded, prose, table
from kamal_forward_check.report.mermaid import flowchart

MOST_BYTES = 900_000
_MOST_ROWS = 200
_MOST_LINES = 60
_VERDICTS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCOMPLETE: "❔"}
_SEVERITIES = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTICE: "ℹ️"}  # noqa: RUF001 - the sign that is meant


def render(report: Report) -> str:
    """The summary, of fewer than 900,000 bytes: what does not fit is left out and counted."""
    return _fitting(_sections(cleaned(report)))


def _sections(report: Report) -> Iterator[str]:
    yield f"## {_VERDICTS[report.verdict]} {prose(words.closing(report))}"
    yield " · ".join((code(report.file), *map(prose, words.context(report)[1:])))
    if report.traces:
        yield block("mermaid", [flowchart(report)])
    if proof := words.proof(report):
        yield f"{prose(proof)}."
    yield from (_finding(report, finding) for finding in report.findings)
    if report.traces:
        yield _hops(report)
    if report.skipped:
        yield "### Not looked at"
        yield "\n".join(_capped([f"- {prose(f'{item.what}: {item.why}')}" for item in report.skipped]))
    if report.ignored:
        counts = (f"{name} ({number})" for name, number in sorted(report.ignored.items()))
        yield f"Ignored, as asked: {prose(', '.join(counts))}"


def _finding(report: Report, finding: Finding) -> str:
    return "\n\n".join(filter(None, _parts(report, finding)))


def _parts(report: Report, finding: Finding) -> Iterator[str]:
    yield f"### {_SEVERITIES[finding.severity]} [{finding.code}]({words.docs(finding.code)}) {prose(finding.message)}"
    place = code(str(finding.location)) if finding.location else ""
    yield " · ".join(filter(None, (place, prose(words.also(finding)))))
    if finding.fix and (summary := prose(finding.fix.summary)):
        yield f"**{summary}**"
        yield block("yaml", finding.fix.example) if finding.fix.example else ""
    for change in blocks(finding, neighbours=False):
        known = words.how_known(finding.server_line, report, finding) if finding.server_line else ""
        yield " · ".join(filter(None, (code(change.file), prose(known))))
        yield block("diff", (f"{row.sign}{row.text}" for row in change.rows))
    if finding.fix and finding.fix.commands:
        if finding.fix.changes:
            yield f"On {', '.join(map(code, words.hosts_to_change(finding)))}, with a second session open:"
        yield block("sh", finding.fix.commands)
    if script := words.script_command(report, finding):
        yield prose(words.script_offer(finding))
        yield block("sh", [script])
    if finding.candidates:
        yield table(
            ("what fits, the likeliest first", "why", "what settles it"),
            ((cell_code(each.keyword), prose(each.why), cell_code(each.settle)) for each in finding.candidates),
        )
    yield prose(finding.why)
    if finding.fix:
        yield prose(finding.fix.undone_by)
        if finding.fix.ways:
            yield folded("Another way", "\n\n".join(part for way in finding.fix.ways for part in _way(way)))
    if finding.evidence:
        yield folded("How we know", block("text", _capped(finding.evidence)))


def _way(way: Way) -> Iterator[str]:
    yield f"{prose(way.title)}: {code(way.file)}"
    yield block("text", way.lines)


def _hops(report: Report) -> str:
    """A row for each jump, and for the targets that fared alike."""
    rows = list(dict.fromkeys(_rows(report)))
    shown = rows[:_MOST_ROWS]
    head = ("hop", *map(words.stage, Stage))
    beyond = len(rows) - len(shown)
    more = f"\n\n{words.count(beyond, 'row')} more in the JSON report." if beyond else ""
    return f"### Hops\n\n{table(head, shown)}{more}"


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    for way in ways(report.traces):
        for jump in way.jumps:
            yield _row(f"{cell_code(jump.hop.name)} (jump)", jump)
        for group in way.groups:
            others = f" and {len(group.others)} more" if group.others else ""
            yield _row(cell_code(group.shown.hop.name) + others, group.shown)


def _row(name: str, seen: HopTrace) -> tuple[str, ...]:
    return (name, *(_cell(seen, stage) for stage in Stage))


def _cell(seen: HopTrace, stage: Stage) -> str:
    found = seen.at(stage)
    return f"{words.MARKS[found.status]} {words.outcome(found)}" if found else ""


def _capped(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"({len(lines) - _MOST_LINES} more)"


def _fitting(sections: Iterable[str]) -> str:
    """The sections that fit, in order, and how many do not."""
    size, kept, left_out = 0, [], 0
    for section in sections:
        size += len(section.encode()) + 2
        if size <= MOST_BYTES:
            kept.append(section)
        else:
            left_out += 1
    if left_out:
        kept.append(f"{words.count(left_out, 'section')} left out, to stay within GitHub's limit: see the JSON report.")
    return "\n\n".join(kept) + "\n"
