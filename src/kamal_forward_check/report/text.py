"""The report for a terminal: the verdict, the one thing to do, the proof."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Finding, Report, Severity, Verdict
from kamal_forward_check.report import words
from kamal_forward_check.report.change import Block, blocks
from kamal_forward_check.report.clean import cleaned, no_command
from kamal_forward_check.report.drawing import draw, line
from kamal_forward_check.report.page import Page
from kamal_forward_check.report.paint import Paint

_STYLES = {Verdict.PASS: "good", Verdict.FAIL: "bad", Verdict.INCOMPLETE: "warn"}
_SEVERITIES = {
    Severity.ERROR: ("✗ {code}", "bad"),
    Severity.WARNING: ("! {code} warning:", "warn"),
    Severity.NOTICE: ("i {code} notice:", "dim"),
}
_SIGNS = {"-": "bad", "+": "good", " ": "dim"}


def render(report: Report, *, color: bool = False, width: int = 100, neighbours: bool = True) -> str:
    """The report as text. Commands, names and a file's lines may be longer than `width`; nothing else is.

    `neighbours` shows the lines around a server's deciding line: not for a log that others can read.
    """
    page = _Page(cleaned(report), Paint(color), width, neighbours)
    lines = page.well() if page.all_well else page.full()
    return "\n".join(no_command(text.rstrip()) for text in lines) + "\n"


class _Page(Page):
    def __init__(self, report: Report, paint: Paint, width: int, neighbours: bool) -> None:  # noqa: FBT001 - private
        super().__init__(paint, width)
        self._report, self._neighbours = report, neighbours

    @property
    def all_well(self) -> bool:
        """Nothing failed, nothing was skipped, and nobody has to do anything."""
        report = self._report
        quiet = all(finding.severity is Severity.NOTICE for finding in report.findings)
        return report.verdict is Verdict.PASS and quiet and not report.skipped

    def well(self) -> Iterator[str]:
        """The route, the proof that data went through, the verdict."""
        if self._report.traces:
            yield from self._wrapped(line(self._report), indent=2)
        if proof := words.proof(self._report):
            yield from self._wrapped(proof, indent=2)
        for finding in self._report.findings:
            yield from self._title(finding)
        yield from self._ignored()
        yield from self._verdict(words.closing(self._report))

    def full(self) -> Iterator[str]:
        yield from self._verdict(words.headline(self._report))
        yield from self._wrapped(" · ".join(words.context(self._report)), indent=2, style="dim")
        for finding in self._report.findings:
            yield ""
            yield from self._finding(finding)
        if self._report.traces:
            yield ""
            yield from draw(self._report, self._paint, self._width)
        if proof := words.proof(self._report):
            yield from self._wrapped(proof, indent=2)
        if self._report.skipped or self._report.ignored:
            yield ""
        if self._report.skipped:
            yield "  Not looked at:"
            for item in self._report.skipped:
                mark, style = ("?", "warn") if item.needed else ("·", "")
                yield from self._wrapped(f"{mark} {item.what}: {item.why}", indent=4, hang=2, style=style)
        yield from self._ignored()
        yield ""
        yield from self._verdict(words.closing(self._report))

    def _finding(self, finding: Finding) -> Iterator[str]:
        yield from self._title(finding)
        if others := words.also(finding):
            yield from self._wrapped(others, indent=2)
        if finding.severity is Severity.NOTICE:
            return
        if finding.why:
            yield from self._wrapped(finding.why, indent=2)
        if to_do := words.to_do(finding):
            yield ""
            yield from self._wrapped(to_do, indent=2, style="bold")
        if finding.fix:
            yield from (f"    {text}" for text in finding.fix.example)
        for block in blocks(finding, neighbours=self._neighbours):
            yield ""
            yield from self._block(block, finding)
        yield from self._commands(finding)
        yield from self._candidates(finding)
        yield from self._ways(finding)
        yield self._paint("dim", f"  More: kamal-forward-check explain {finding.code}")

    def _title(self, finding: Finding) -> Iterator[str]:
        label, style = _SEVERITIES[finding.severity]
        label = label.format(code=finding.code)
        place = str(finding.location) if finding.location else ""
        title = f"{label}  {finding.message}"
        room = self._width - len(title) - len(place)
        if place and room >= 2:  # noqa: PLR2004 - a gap that an eye sees
            yield self._paint(style, label) + title[len(label) :] + " " * room + self._paint("dim", place)
            return
        first, *rest = self._wrapped(title, indent=0, hang=2)
        yield self._paint(style, label) + first[len(label) :]
        yield from rest
        if place:
            yield self._paint("dim", f"  {place}")

    def _block(self, block: Block, finding: Finding) -> Iterator[str]:
        known = words.how_known(finding.server_line, self._report, finding) if finding.server_line else ""
        yield from self._wrapped(" · ".join(filter(None, (block.file, known))), indent=4)
        digits = max((len(str(row.number)) for row in block.rows if row.number), default=1)
        for row in block.rows:
            number = str(row.number or "").rjust(digits)
            yield self._paint(_SIGNS[row.sign], f"    {row.sign} {number} │ {row.text}")

    def _commands(self, finding: Finding) -> Iterator[str]:
        if finding.fix and finding.fix.commands:
            yield ""
            if finding.fix.changes:
                yield from self._wrapped("There, with a second session open:", indent=2)
            for command in finding.fix.commands:
                yield f"    {command}"
        if script := words.script_command(self._report, finding):
            yield ""
            yield from self._wrapped(words.script_offer(finding), indent=2)
            yield f"    {script}"

    def _ways(self, finding: Finding) -> Iterator[str]:
        """What would undo the change, and what can be done instead; lines for deploy.yml are on the finding's page."""
        if not finding.fix or not (finding.fix.undone_by or finding.fix.ways):
            return
        yield ""
        yield from self._wrapped(finding.fix.undone_by, indent=2)
        for way in finding.fix.ways:
            yield from self._wrapped(f"{way.title}: {way.file}", indent=2, hang=2)
            if not words.in_deploy_yml(way, self._report):
                yield from (f"    {text}" for text in way.lines)

    def _candidates(self, finding: Finding) -> Iterator[str]:
        if not finding.candidates:
            return
        yield ""
        yield "  What fits, the likeliest first, each with what settles it:"
        for number, candidate in enumerate(finding.candidates, 1):
            said = ": ".join(filter(None, (candidate.keyword, candidate.why)))
            yield from self._wrapped(f"{number}. {said}", indent=4, hang=3)
            yield f"       {candidate.settle}"

    def _ignored(self) -> Iterator[str]:
        if self._report.ignored:
            counts = ", ".join(f"{code} ({number})" for code, number in sorted(self._report.ignored.items()))
            yield from self._wrapped(f"Ignored, as asked: {counts}", indent=2)

    def _verdict(self, text: str) -> Iterator[str]:
        verdict = self._report.verdict
        yield from self._wrapped(f"{words.VERDICTS[verdict]} {text}", indent=0, hang=2, style=_STYLES[verdict])
