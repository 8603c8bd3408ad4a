"""The route as a Mermaid flowchart: the hop that stops it is red, targets that fared alike are one node."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kamal_forward_check.model import HopTrace, Observation, Report, Role, Severity, Stage, Status
from kamal_forward_check.report.fold import Group, ways
from kamal_forward_check.report.words import HERE, MARKS, NOT_TRIED, count, outcome, some, stage

_MOST_NODES = 24
"""More can't be read; and with as many of the longest labels Mermaid's limit of 50,000 characters holds."""
_MOST_NAMES = 3
_LONGEST_LABEL = 64
_UNSAFE = re.compile(r"[^\w .:@/()=,✓✗·-]|s(?=tyle)|c(?=lassDef)")
_READ_LATER = re.compile(r"(?<=\\)(?=n)|(?<=\$)(?=\$)|(?<=:)(?=fa-)")
"""Where a line break, a formula or an icon begins for Mermaid, even where each sign is written by its number."""
_LONGEST_KEPT_WHOLE = 40
"""Characters of a label; a longer one may be broken at its hyphens, where Mermaid breaks lines."""
_WORD_JOINER = "\u2060"
_UNSURE = "unsure"
# all but the red lets the page through, and takes its text's color from the theme: so it is read on light and dark
_CLASSES = {
    Status.PASS: "fill:#2da44e22,stroke:#2da44e,stroke-width:2px",
    Status.FAIL: "fill:#cf222e,stroke:#82071e,stroke-width:3px,color:#ffffff",
    _UNSURE: "fill:#cf222e,stroke:#ffffff,stroke-width:3px,stroke-dasharray:6,color:#ffffff",
    Status.SKIPPED: "fill:#818b9822,stroke:#818b98,stroke-dasharray:4",
    "start": "fill:#818b9822,stroke:#818b98",
}


def flowchart(report: Report) -> str:
    """The flowchart's source. Beyond 24 nodes the rest is one node with their count."""
    return "\n".join(("flowchart LR", *(f"    {line}" for line in _Chart(report).lines())))


class _Chart:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._jumps: dict[object, str] = {}
        self._nodes: list[str] = []
        self._classes: dict[str, None] = {}
        self._edges: dict[tuple[str, str], str] = {}

    def lines(self) -> Iterator[str]:
        left_out = 0
        for way in ways(self._report.traces):
            for group in way.groups:
                if len(self._nodes) + len(way.jumps) < _MOST_NODES:
                    self._draw(way.jumps, group)
                else:
                    left_out += len(group.members)
        yield f'here(["{_label(HERE[self._report.vantage])}"]):::start'
        yield from self._nodes
        if left_out:
            yield f'rest["{count(left_out, "host")} more: see the table of hops"]:::start'
        yield from (f"{before} {arrow} {after}" for (before, after), arrow in self._edges.items())
        yield from (f"classDef {name} {_CLASSES[name]}" for name in ("start", *self._classes))

    def _draw(self, jumps: tuple[HopTrace, ...], group: Group) -> None:
        before = "here"
        for seen in jumps:
            jump = (seen.hop, seen.status)
            if jump not in self._jumps:
                self._jumps[jump] = self._node((seen,))
            self._edge(before, self._jumps[jump], seen)
            before = self._jumps[jump]
        self._edge(before, self._node(group.members), group.shown)

    def _node(self, alike: tuple[HopTrace, ...]) -> str:
        name = f"hop{len(self._nodes) + 1}"
        seen = alike[0]
        codes, sure = self._why([each.hop for each in alike])
        lines = (*_names(alike), *_fared(seen), *([codes] if seen.stopped else []))
        look = seen.status if sure or not seen.stopped else _UNSURE
        self._classes[look] = None
        self._nodes.append(f'{name}["{"<br/>".join(map(_label, filter(None, lines)))}"]:::{look}')
        return name

    def _why(self, hops: Iterable[object]) -> tuple[str, bool]:
        """The codes of what stops these hops, and whether each is sure of its cause."""
        hops = set(hops)
        stops = [each for each in self._report.findings if each.severity is Severity.ERROR and each.hop in hops]
        codes = some(list(dict.fromkeys(each.code for each in stops)))
        sure = not any(each.candidates for each in stops)
        return (codes if sure else f"{codes}: more than one cause fits"), sure

    def _edge(self, before: str, after: str, seen: HopTrace) -> None:
        self._edges[before, after] = _arrow(seen)


def _names(alike: Sequence[HopTrace]) -> Iterator[str]:
    yield from (each.hop.name for each in alike[:_MOST_NAMES])
    if len(alike) > _MOST_NAMES:
        yield f"and {len(alike) - _MOST_NAMES} more"


def _arrow(seen: HopTrace) -> str:
    """Whole where the login went through, with a cross where it did not, dotted where it was not tried."""
    login = seen.at(Stage.LOGIN)
    if login and login.status is Status.PASS:
        return "-->"
    return "--x" if seen.stopped else "-.->"


def _fared(seen: HopTrace) -> Iterator[str]:
    """What stopped the hop; else what it was there for, and how that went."""
    if seen.stopped:
        yield _said(seen.stopped)
    elif not seen.stages:
        yield f"{MARKS[Status.SKIPPED]} {NOT_TRIED}"
    else:
        own = {Stage.FORWARD} if seen.hop.role is Role.JUMP else {Stage.LISTEN, Stage.DATA}
        yield from [_said(each) for each in seen.stages if each.stage in own] or [_said(seen.stages[-1])]


def _said(seen: Observation) -> str:
    return f"{MARKS[seen.status]} {stage(seen.stage)}" + ("" if seen.status is Status.PASS else f": {outcome(seen)}")


def _label(text: str) -> str:
    """`text` between a node's quotes: what Mermaid or HTML could read as theirs is written by its number."""
    cut = text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
    if len(cut) <= _LONGEST_KEPT_WHOLE:
        cut = cut.replace("-", f"-{_WORD_JOINER}")
    return _UNSAFE.sub(lambda match: f"#{ord(match[0])};", _READ_LATER.sub(_WORD_JOINER, cut))
