"""The route drawn for a terminal: hops beside each other, each with its stages; below each other where it is narrow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import NamedTuple

from kamal_forward_check.model import HopTrace, Observation, Report, Status
from kamal_forward_check.report.fold import Group, Way, ways
from kamal_forward_check.report.paint import Paint
from kamal_forward_check.report.words import HERE, MARKS, NOT_TRIED, count, outcome, some, stage

STYLES = {Status.PASS: "good", Status.FAIL: "bad", Status.SKIPPED: "dim"}
_ARROW = " ─▶ "
_INDENT = "  "
_MOST_GROUPS = 6


class Cell(NamedTuple):
    """A piece of a drawing, and how it is painted."""

    text: str = ""
    style: str = ""
    begins_hop: bool = False


def line(report: Report) -> str:
    """The routes on one line: `this machine ─▶ ops@bastion ─▶ deploy@10.0.1.11 and 3 more`."""
    parts = []
    for way in ways(report.traces):
        members = [member for group in way.groups for member in group.members]
        targets = some([member.hop.name for member in members], most=1)
        parts.append(_ARROW.join((HERE[report.vantage], *(jump.hop.name for jump in way.jumps), targets)))
    return "; ".join(parts)


def draw(report: Report, paint: Paint, width: int) -> Iterator[str]:
    """Every way with what was seen on it, in lines of at most `width` where names allow."""
    for way in ways(report.traces):
        columns = list(_columns(HERE[report.vantage], way))
        wide = sum(max(len(cell.text) for cell in column) for column in columns) + len(_ARROW) * (len(columns) - 1)
        yield from (_beside if wide + len(_INDENT) <= width else _below)(columns, paint)


def _columns(here: str, way: Way) -> Iterator[list[Cell]]:
    yield [Cell(here)]
    for jump in way.jumps:
        yield list(_hop(jump))
    targets = list(_group(way.groups[0]))
    for group in way.groups[1:_MOST_GROUPS]:
        targets += [Cell(), *_group(group)]
    if beyond := sum(len(group.members) for group in way.groups[_MOST_GROUPS:]):
        targets += [Cell(), Cell(f"and {count(beyond, 'host')} more, each otherwise", "dim")]
    yield targets


def _group(group: Group) -> Iterator[Cell]:
    yield from _hop(group.shown)
    if group.others:
        yield Cell(f"likewise {some(group.others, most=2)}", STYLES[group.shown.status])


def _hop(seen: HopTrace) -> Iterator[Cell]:
    yield Cell(seen.hop.name, "bold", begins_hop=True)
    yield from map(_stage, seen.stages)
    if not seen.stages:
        yield Cell(f"{MARKS[Status.SKIPPED]} {NOT_TRIED}", "dim")


def _stage(seen: Observation) -> Cell:
    said = outcome(seen)
    beside = f"{said:>7}" if seen.status is Status.PASS else said
    return Cell(f"{MARKS[seen.status]} {stage(seen.stage):<8} {beside}", STYLES[seen.status])


def _beside(columns: list[list[Cell]], paint: Paint) -> Iterator[str]:
    widths = [max(len(cell.text) for cell in column) for column in columns]
    for here, *hops in zip_longest(*columns, fillvalue=Cell()):
        drawn = _INDENT + here.text.ljust(widths[0])
        for cell, width in zip(hops, widths[1:], strict=True):
            arrow = _ARROW if cell.begins_hop else " " * len(_ARROW)
            drawn += arrow + paint(cell.style, cell.text) + " " * (width - len(cell.text))
        yield drawn.rstrip()


def _below(columns: list[list[Cell]], paint: Paint) -> Iterator[str]:
    (here,), *hops = columns
    yield _INDENT + here.text
    for cell in chain.from_iterable(hops):
        arrow = _ARROW if cell.begins_hop else " " * len(_ARROW)
        yield (_INDENT + arrow + paint(cell.style, cell.text)).rstrip()
