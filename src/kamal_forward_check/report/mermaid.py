"""The route as a Mermaid flowchart: the hop that fails is red, many targets are one node with a count."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kamal_forward_check.model import HopTrace, Report, Status
from kamal_forward_check.report.fold import Group, ways
from kamal_forward_check.report.words import HERE, MARKS, STAGES, count, outcome

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
        self._ids: dict[object, str] = {}
        self._edges: dict[tuple[str, str], None] = {}

    def lines(self) -> Iterator[str]:
        yield f'here(["{_label(HERE[self._report.vantage])}"])'
        left_out = 0
        for way in ways(self._report.traces):
            for group in way.groups:
                if len(self._ids) + len(way.jumps) >= _MOST_NODES:
                    left_out += len(group.members)
                else:
                    yield from self._path(way.jumps, group)
        if left_out:
            yield f'rest["{count(left_out, "host")} more, in the table or the log"]'
        yield from (f"{before} --> {after}" for before, after in self._edges)
        yield from (f"classDef {status} {style}" for status, style in _CLASSES.items())

    def _path(self, jumps: tuple[HopTrace, ...], group: Group) -> Iterator[str]:
        before = "here"
        for seen in jumps:
            after = self._ids.get((seen.hop, seen.status), "")
            if not after:
                after = self._ids[seen.hop, seen.status] = f"jump{len(self._ids) + 1}"
                yield _node(after, seen, "")
            self._edges[before, after] = None
            before = after
        after = self._ids[group] = f"target{len(self._ids) + 1}"
        yield _node(after, group.shown, f"and {len(group.others)} more" if group.others else "")
        self._edges[before, after] = None


def _node(name: str, seen: HopTrace, others: str) -> str:
    lines = (seen.hop.name, others, *_stopped(seen))
    return f'{name}["{"<br/>".join(map(_label, filter(None, lines)))}"]:::{seen.status}'


def _stopped(seen: HopTrace) -> Iterator[str]:
    if seen.stopped:
        yield f"{MARKS[Status.FAIL]} {STAGES[seen.stopped.stage]}: {outcome(seen.stopped)}"
    elif seen.status is Status.SKIPPED:
        yield f"{MARKS[Status.SKIPPED]} not come to"


def _label(text: str) -> str:
    """`text` between a node's quotes: what Mermaid or HTML could read as theirs is written by its number."""
    cut = text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
    return _UNSAFE.sub(lambda match: f"#{ord(match[0])};", cut)
