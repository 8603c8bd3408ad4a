"""Is it the jump? Targets that were not lent a forward through their jumps, tried again without them.

The address of a private network may be another machine's here: no login is offered before the host has shown the very
key that was seen through the jump. Where none was seen, there is no login at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kamal_forward_check.model import Cause, HostKeyRule, Role, Route, Stage, Trace, Vantage
from kamal_forward_check.probe.walk import Walk
from kamal_forward_check.system import System

SECONDS = 10.0
"""The longest that a comparison takes: a private address often is one that never answers from here."""

_NAME = "target"


def worth_comparing(trace: Trace) -> bool:
    """The route goes through jumps, and stops at its target or at the last jump's channel to it.

    A port that is held is held whatever way one comes, and where the host key was not accepted no login is offered.
    """
    failing = trace.failing
    if not (trace.route.jumps and failing and failing.stopped):
        return False
    if failing.hop.role is Role.TARGET:
        return failing.stopped.cause is not Cause.LISTEN_BUSY and failing.stopped.stage is not Stage.HOST_KEY
    return failing.hop == trace.route.jumps[-1] and failing.stopped.stage is Stage.FORWARD


def compare(traces: Sequence[Trace], system: System, vantage: Vantage, seconds: float) -> tuple[Trace, ...]:
    """`traces`, with what was seen without the jumps in those that are worth it, within `seconds`."""
    again = [trace for trace in traces if worth_comparing(trace)]
    if not again or seconds <= 0:
        return tuple(traces)
    routes = [_without_jumps(trace) for trace in again]
    with Walk(routes, system, vantage, min(seconds, SECONDS)) as walk:
        seen = {id(trace): direct.hops[-1] for trace, direct in zip(again, walk.finish(), strict=True)}
    return tuple(replace(trace, direct=seen.get(id(trace))) for trace in traces)


def _without_jumps(trace: Trace) -> Route:
    seen = trace.hops[-1].host_key
    pinned = f"{_NAME} {seen.line.split(maxsplit=1)[1]}\n" if seen else ""
    rule = HostKeyRule((_NAME,), (), accept_unknown=False, lines=pinned)
    return replace(trace.route, hops=(replace(trace.route.target, host_key_rule=rule),))
