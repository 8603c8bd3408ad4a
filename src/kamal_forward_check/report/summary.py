"""The job summary: Markdown for GitHub, which drops one of more than 1 MiB whole.

It may be public: of a server's file it shows the lines to change, and never their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kamal_forward_check.model import Finding, HopTrace, Purpose, Report, Severity, Stage, Status, Verdict, Way
from kamal_forward_check.report import words
from kamal_forward_check.report.change import Block, blocks
from kamal_forward_check.report.clean import cleaned
from kamal_forward_check.report.fold import ways
from kamal_forward_check.report.markdown import block, cell_code, code, folded, prose, table
from kamal_forward_check.report.mermaid import flowchart

MOST_BYTES = 900_000
_NOTE_BYTES = 100
"""Kept free for the line that counts what was left out."""

_UNBROKEN = "\u00a0"
"""A blank at which no narrow cell breaks a figure."""

_MOST_ROWS = 200
_MOST_LINES = 60
_MOST_NOTICES = 20
_VERDICTS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCOMPLETE: "❔"}
_SEVERITIES = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTICE: "ℹ️"}  # noqa: RUF001 - the sign that is meant


@dataclass(frozen=True, slots=True)
class _Section:
    text: str
    one_of_many: bool = False
    """It is left out before what there is once."""


def render(report: Report) -> str:
    """The summary, of fewer than 900,000 bytes: what does not fit is left out and counted."""
    return _fitting(list(_sections(cleaned(report))))


def _sections(report: Report) -> Iterator[_Section]:
    yield _Section(f"## {_VERDICTS[report.verdict]} {prose(words.headline(report))}")
    yield _Section(" · ".join(_facts(report)))
    if report.traces:
        yield _Section(block("mermaid", [flowchart(report)]))
    if proof := words.proof(report):
        yield _Section(f"{prose(proof)}.")
    if report.verdict is Verdict.INCOMPLETE:
        yield from _skipped(report)
    for finding in report.findings:
        if finding.severity is not Severity.NOTICE:
            yield _Section(_finding(report, finding), one_of_many=True)
    if report.traces:
        yield _Section(_hops(report))
    yield from _notices(report)
    if report.verdict is not Verdict.INCOMPLETE:
        yield from _skipped(report)
    if report.ignored:
        counts = (f"{name} ({number})" for name, number in sorted(report.ignored.items()))
        yield _Section(f"Ignored, as asked: {prose(', '.join(counts))}")
    yield _Section(f"Checked by kamal-forward-check {prose(report.tool_version)} from {words.HERE[report.vantage]}.")


def _facts(report: Report) -> Iterator[str]:
    """What it comes to, what was checked, and how long that took."""
    file, *others = words.context(report)
    yield from (f"**{said}**" for said in words.tally(report))
    yield code(file)
    yield from map(prose, others)
    yield words.duration(report.total_ms).replace(" ", _UNBROKEN)


def _finding(report: Report, finding: Finding) -> str:
    return "\n\n".join(filter(None, (*_said(finding), *_to_do(report, finding), *_more(finding))))


def _said(finding: Finding) -> Iterator[str]:
    yield f"### {_SEVERITIES[finding.severity]} [{finding.code}]({words.docs(finding.code)}) {prose(finding.message)}"
    place = code(str(finding.location)) if finding.location else ""
    yield " · ".join(filter(None, (place, prose(words.also(finding)))))
    yield prose(finding.why)


def _to_do(report: Report, finding: Finding) -> Iterator[str]:
    if to_do := prose(words.to_do(finding)):
        yield f"**{to_do}**"
    if finding.fix and finding.fix.example:
        yield block("yaml", finding.fix.example)
    for change in blocks(finding, neighbours=False):
        known = words.how_known(finding.server_line, report, finding) if finding.server_line else ""
        yield " · ".join(filter(None, (code(_place(change)), prose(known))))
        yield block("diff", _diff(change))
    if finding.fix and finding.fix.commands:
        if finding.fix.changes:
            yield "There, with a second session open:"
        yield block("sh", finding.fix.commands)
    if script := words.script_command(report, finding):
        yield prose(words.script_offer(finding))
        yield block("sh", [script])


def _more(finding: Finding) -> Iterator[str]:
    if finding.candidates:
        yield table(
            ("what fits, the likeliest first", "why", "what settles it"),
            ((cell_code(each.keyword), prose(each.why), cell_code(each.settle)) for each in finding.candidates),
        )
    if finding.fix:
        yield prose(finding.fix.undone_by)
        if finding.fix.ways:
            yield folded("Another way", "\n\n".join(part for way in finding.fix.ways for part in _way(way)))
    if finding.evidence:
        yield folded("How we know", block("text", _capped(finding.evidence)))


def _place(change: Block) -> str:
    """The file, with the line where only one is to change."""
    numbers = {row.number for row in change.rows}
    return f"{change.file}:{numbers.pop()}" if len(numbers) == 1 and None not in numbers else change.file


def _diff(change: Block) -> Iterator[str]:
    """The lines as they are and as they should be; each with its number where there are several."""
    alone = len({row.number for row in change.rows}) == 1
    number = None
    for row in change.rows:
        if row.number and row.number != number and not alone:
            yield f"@@ line {row.number} @@"
        number = row.number
        yield f"{row.sign} {row.text}"


def _way(way: Way) -> Iterator[str]:
    yield f"{prose(way.title)}: {code(way.file)}"
    yield block("text", way.lines)


def _notices(report: Report) -> Iterator[_Section]:
    """What nobody has to act on, folded."""
    notices = [finding for finding in report.findings if finding.severity is Severity.NOTICE]
    if notices:
        texts = [_finding(report, finding) for finding in notices[:_MOST_NOTICES]]
        yield _Section(folded(words.count(len(notices), "notice"), "\n\n".join((*texts, *_beyond(notices, texts)))))


def _skipped(report: Report) -> Iterator[_Section]:
    """What was not looked at; a sign marks that for want of which the verdict is incomplete."""
    if report.skipped:
        first = sorted(report.skipped, key=lambda item: not item.needed)
        items = [f"- {'❔ ' if item.needed else ''}{prose(f'{item.what}: {item.why}')}" for item in first]
        yield _Section("### Not looked at\n\n" + "\n".join(_capped(items)))


def _hops(report: Report) -> str:
    """A row for each jump, and for the targets that fared alike."""
    rows = list(dict.fromkeys(_rows(report)))
    shown = rows[:_MOST_ROWS]
    head = ("hop", *map(words.stage, Stage))
    return "\n\n".join(("### Hops", table(head, shown), *_beyond(rows, shown)))


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    for way in ways(report.traces):
        for jump in way.jumps:
            yield _row(f"{cell_code(jump.hop.name)} (jump)", jump)
        for group in way.groups:
            names = words.some([cell_code(member.hop.name) for member in group.members])
            yield _row(names + (" (remote builder)" if way.purpose is Purpose.BUILD else ""), group.shown)


def _row(name: str, seen: HopTrace) -> tuple[str, ...]:
    cells = [_cell(seen, stage) for stage in Stage]
    return (name, *(cells if any(cells) else [f"{words.MARKS[Status.SKIPPED]} {words.NOT_TRIED}", *cells[1:]]))


def _cell(seen: HopTrace, stage: Stage) -> str:
    found = seen.at(stage)
    if not found:
        return ""
    said = f"{words.MARKS[found.status]} {words.outcome(found)}".replace(" ", _UNBROKEN)
    return f"**{said}**" if found.status is Status.FAIL else said


def _beyond(every: Sequence[object], shown: Sequence[object]) -> Iterator[str]:
    if len(every) > len(shown):
        yield f"{len(every) - len(shown)} more in the JSON report."


def _capped(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"({len(lines) - _MOST_LINES} more)"


def _fitting(sections: Sequence[_Section]) -> str:
    """The sections that fit, in order, and how many do not."""
    size, kept = 0, set[int]()
    for place in sorted(range(len(sections)), key=lambda place: sections[place].one_of_many):
        with_it = size + len(sections[place].text.encode()) + 2
        if with_it <= MOST_BYTES - _NOTE_BYTES:
            size = with_it
            kept.add(place)
    texts = [section.text for place, section in enumerate(sections) if place in kept]
    if left_out := len(sections) - len(kept):
        texts.append(
            f"{words.count(left_out, 'section')} left out, to stay within GitHub's limit: see the JSON report."
        )
    return "\n\n".join(texts) + "\n"
