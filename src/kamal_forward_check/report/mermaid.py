"""The route as a Mermaid flowchart: the hop that fails is red, many targets are one node with a count."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kamal_forward_check.model import HopTrace, Report, Status
from kamal_forward_check.report.fold import Group, ways
from kamal_forward_check.report.words import HERE, MARKS, count, outcome, stage

_MOST_NODES = 40
_LONGEST_LABEL = 80
_UNSAFE = re.compile(r"[^\w .:@/()=,✓✗·-]")
_CLASSES = {
    Status.PASS: "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    Status.FAIL: "fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-width:3px",
    Status.SKIPPED: "fill:#f6f8fa,stroke:#818b98,color:#59636e,stroke-dasharray:4",
}


def flowchart(report: Report) -> str:
    """The flowchart's source. Beyond 40 nodes the rest is one node with their count."""
    return "\n".join(("flowchart LR", *(f"    {line}" for line in _Chart(report).lines())))


class _Chart:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._jumps: dict[object, str] = {}
        self._nodes: list[str] = []
        self._edges: dict[tuple[str, str], None] = {}

    def lines(self) -> Iterator[str]:
        left_out = 0
        for way in ways(self._report.traces):
            for group in way.groups:
                if len(self._nodes) + len(way.jumps) < _MOST_NODES:
                    self._draw(way.jumps, group)
                else:
                    left_out += len(group.members)
        yield f'here(["{_label(HERE[self._report.vantage])}"])'
        yield from self._nodes
        if left_out:
            yield f'rest["{count(left_out, "host")} more, in the table or the log"]'
        yield from (f"{before} --> {after}" for before, after in self._edges)
        yield from (f"classDef {status} {style}" for status, style in _CLASSES.items())

    def _draw(self, jumps: tuple[HopTrace, ...], group: Group) -> None:
        before = "here"
        for seen in jumps:
            jump = (seen.hop, seen.status)
            if jump not in self._jumps:
                self._jumps[jump] = self._node(seen)
            self._edge(before, self._jumps[jump])
            before = self._jumps[jump]
        self._edge(before, self._node(group.shown, f"and {len(group.others)} more" if group.others else ""))

    def _node(self, seen: HopTrace, others: str = "") -> str:
        name = f"hop{len(self._nodes) + 1}"
        label = "<br/>".join(map(_label, filter(None, (seen.hop.name, others, _stopped(seen)))))
        self._nodes.append(f'{name}["{label}"]:::{seen.status}')
        return name

    def _edge(self, before: str, after: str) -> None:
        self._edges[before, after] = None


def _stopped(seen: HopTrace) -> str:
    if seen.stopped:
        return f"{MARKS[Status.FAIL]} {stage(seen.stopped.stage)}: {outcome(seen.stopped)}"
    if seen.status is Status.PASS:
        return ""
    why = f"{stage(seen.stages[-1].stage)}: {outcome(seen.stages[-1])}" if seen.stages else "not come to"
    return f"{MARKS[Status.SKIPPED]} {why}"


def _label(text: str) -> str:
    """`text` between a node's quotes: what Mermaid or HTML could read as theirs is written by its number."""
    cut = text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
    return _UNSAFE.sub(lambda match: f"#{ord(match[0])};", cut)
