"""A host that is a jump on one route and a target on another: its lines have to serve both, and change once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kamal_forward_check.model import Hop, Role, ServerLine, Trace
from kamal_forward_check.rules.stops import Refused
from kamal_forward_check.sshd import advice


def serving_both(found: Sequence[Refused], traces: Iterable[Trace]) -> tuple[Refused, ...]:
    """`found` with lines that serve every role of their host; what one line decides for both roles is one refusal.

    The other role counts although it was not come to: a jump that refuses hides what it would say as a target.
    """
    hops = dict.fromkeys(hop for trace in traces for hop in trace.route.hops)
    roles = [replace(each, roles=frozenset(_roles(each, hops))) for each in found]
    widened = [replace(each, refusal=replace(each.refusal, lines=tuple(_widened(each)))) for each in roles]
    return tuple(_joined(widened))


def _roles(refused: Refused, hops: Iterable[Hop]) -> Iterator[Role]:
    """The roles in which the lines decide: of this login, and of others where the lines are for everybody."""
    own = refused.stop.seen.hop
    for hop in hops:
        if hop.host.value == own.host.value and (hop.user.value == own.user.value or advice.for_all(refused.stop.seen)):
            yield hop.role


def _widened(refused: Refused) -> Iterator[ServerLine]:
    for line in refused.refusal.lines:
        yield advice.for_both_ways(line) if len(refused.roles) > 1 else line


def _joined(found: Sequence[Refused]) -> Iterator[Refused]:
    """Each jump's refusal together with the refusals of the same host as a target that its lines explain as well."""
    taken: set[int] = set()
    for jump in found:
        if jump.stop.seen.hop.role is not Role.JUMP:
            continue
        same = [
            (number, other)
            for number, other in enumerate(found)
            if other.stop.seen.hop.role is Role.TARGET and number not in taken and _share_a_line(jump, other)
        ]
        taken.update(number for number, _ in same)
        lines: dict[object, ServerLine] = {}
        for each in (jump, *(other for _, other in same)):
            for line in each.refusal.lines:
                at = _place(line)
                lines[at] = advice.both(lines[at], line) if at in lines else line
        yield replace(
            jump,
            refusal=replace(jump.refusal, lines=tuple(lines.values())),
            as_target=tuple(other for _, other in same),
        )
    yield from (
        other for number, other in enumerate(found) if other.stop.seen.hop.role is Role.TARGET and number not in taken
    )


def _share_a_line(jump: Refused, target: Refused) -> bool:
    return bool({_place(line) for line in jump.refusal.lines} & {_place(line) for line in target.refusal.lines})


def _place(line: ServerLine) -> tuple[str, str, int | str]:
    """A line, however many of its words must change: options of a key stand on one."""
    return line.host, line.file, line.line or line.keyword.lower()
