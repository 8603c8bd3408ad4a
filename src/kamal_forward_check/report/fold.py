"""Routes folded for drawing: those over the same jumps are one way, targets that fared alike are one group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kamal_forward_check.model import Hop, HopTrace, Purpose, Status, Trace


@dataclass(frozen=True, slots=True)
class Group:
    """Targets that fared alike. The first one speaks for all."""

    members: tuple[HopTrace, ...]

    @property
    def shown(self) -> HopTrace:
        """The member that is drawn."""
        return self.members[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The hosts of the rest."""
        return tuple(member.hop.host.value for member in self.members[1:])


@dataclass(frozen=True, slots=True)
class Way:
    """The jumps that some routes share, as they fared on these routes, and the targets behind them."""

    purpose: Purpose
    jumps: tuple[HopTrace, ...]
    groups: tuple[Group, ...]

    @property
    def failed(self) -> bool:
        """A hop on it stopped a route."""
        return any(hop.status is Status.FAIL for hop in (*self.jumps, *(group.shown for group in self.groups)))


_WORST_FIRST = (Status.FAIL, Status.SKIPPED, Status.PASS)


def ways(traces: Iterable[Trace]) -> tuple[Way, ...]:
    """The ways that `traces` went: where something stopped first, else in route order."""
    shared: dict[object, list[Trace]] = {}
    for trace in traces:
        shared.setdefault((trace.route.purpose, *map(_entered, trace.hops[:-1])), []).append(trace)
    found = [
        Way(same[0].route.purpose, same[0].hops[:-1], _groups(trace.hops[-1] for trace in same))
        for same in shared.values()
    ]
    return tuple(sorted(found, key=lambda way: not way.failed))


def _groups(targets: Iterable[HopTrace]) -> tuple[Group, ...]:
    alike: dict[object, list[HopTrace]] = {}
    for target in targets:
        alike.setdefault(_fared(target), []).append(target)
    groups = [Group(tuple(members)) for members in alike.values()]
    return tuple(sorted(groups, key=lambda group: _WORST_FIRST.index(group.shown.status)))


def _entered(seen: HopTrace) -> tuple[Hop, object]:
    return seen.hop, _fared(seen)


def _fared(seen: HopTrace) -> object:
    """How a hop fared, its times left out."""
    return tuple((stage.stage, stage.status, stage.cause) for stage in seen.stages)
