"""All that the rules may look at: the file's problems, the plan, and what was seen on the routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kamal_forward_check.model import (
    Cause,
    DeployConfig,
    Forwarding,
    Hop,
    HopTrace,
    Observation,
    OwnPort,
    Problem,
    Role,
    Stage,
    Status,
    Trace,
    Vantage,
)
from kamal_forward_check.rules.both_roles import serving_both
from kamal_forward_check.rules.stops import Refused, Stop
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.products import Product, product
from kamal_forward_check.sshd.refusal import explain


@dataclass(frozen=True)
class Facts:
    """Plain data: rules are tested with it, without files or servers."""

    vantage: Vantage = Vantage.LOCAL
    config: DeployConfig | None = None
    problems: tuple[Problem, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The secrets that `ssh.key_data` may name, as far as their values are known."""
    traces: tuple[Trace, ...] = ()
    forwarding: Forwarding | None = None
    own_port: tuple[OwnPort, ...] = ()
    """The registry's port of this machine, by localhost's addresses in their order."""
    explained: frozenset[tuple[Hop | None, str]] = frozenset()
    """The hops whose stop a rule has explained, each with a target behind it: what is left is for the last rule."""

    def stops(self, stage: Stage, *causes: Cause) -> Iterator[Stop]:
        """One stop a broken hop, however many hosts lie behind it. No causes means any.

        Those of a server that is no sshd, and decides by rules of its own, are not among them.
        """
        yield from (
            stop
            for stop in self.all_stops
            if stop.observation.stage is stage
            and (not causes or stop.observation.cause in causes)
            and not _by_own_rules(stop)
        )

    def by_own_rules(self) -> Iterator[tuple[Stop, Product]]:
        """The stops at which a server that is no sshd refused a login or a forward."""
        yield from ((stop, found) for stop in self.all_stops if (found := _by_own_rules(stop)))

    @cached_property
    def all_stops(self) -> tuple[Stop, ...]:
        """Every stop, in the routes' order."""
        broken: dict[object, list[tuple[Trace, HopTrace, Observation]]] = {}
        for trace in self.traces:
            seen = trace.failing
            if seen and seen.stopped:
                # A jump may forward to one host and not to another, for another reason: two stops.
                key = (seen.hop, seen.stopped.stage, seen.stopped.cause, seen.stopped.detail)
                broken.setdefault(key, []).append((trace, seen, seen.stopped))
        return tuple(
            Stop(found[0][1], found[0][2], tuple(trace.route for trace, _, _ in found)) for found in broken.values()
        )

    @cached_property
    def refused(self) -> tuple[Refused, ...]:
        """Every stop at which sshd itself said no to the forward, with its reason."""
        stops = (
            *self.stops(Stage.FORWARD, Cause.PROHIBITED),
            *self.stops(Stage.LISTEN, Cause.LISTEN_DENIED, Cause.LISTEN_BUSY),
        )
        at = self.forwarding.at if self.forwarding else None
        found = [Refused(stop, asked, explain(stop.seen, asked), at) for stop in stops for asked in [_asked(stop)]]
        return serving_both(found, self.traces)

    def granted(self) -> Iterator[tuple[Trace, HopTrace]]:
        """The targets that granted the forward."""
        for trace in self.traces:
            seen = trace.hops[-1]
            if (listen := seen.at(Stage.LISTEN)) and listen.status is Status.PASS:
                yield trace, seen

    def hops(self) -> Iterator[tuple[HopTrace, tuple[str, ...]]]:
        """Every hop once, with the targets that are reached over it."""
        met: dict[object, tuple[HopTrace, list[Trace]]] = {}
        for trace in self.traces:
            for seen in trace.hops:
                met.setdefault(seen.hop, (seen, []))[1].append(trace)
        for seen, traces in met.values():
            yield seen, _targets(traces)


_OWN_RULES = (Cause.LOGIN_REFUSED, Cause.LOGIN_PARTIAL, Cause.PROHIBITED, Cause.LISTEN_DENIED)


def _by_own_rules(stop: Stop) -> Product | None:
    return product(stop.seen.heard.version) if stop.observation.cause in _OWN_RULES else None


def _asked(stop: Stop) -> tuple[Asked, ...]:
    """What the hop was asked for: a target to listen, a jump to connect to every next hop."""
    if stop.seen.hop.role is Role.TARGET:
        return (Asked(stop.route.listen, stop.route.port),)
    following = (route.hops[route.hops.index(stop.seen.hop) + 1] for route in stop.routes)
    return tuple(dict.fromkeys(Asked(hop.address, hop.port.value) for hop in following))


def _targets(traces: Iterator[Trace] | list[Trace]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(trace.route.target.host.value for trace in traces))
