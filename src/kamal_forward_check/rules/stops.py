"""Where routes stop: the hop, what was seen there, and, where it refused the forward itself, why."""

from __future__ import annotations

from dataclasses import dataclass

from kamal_forward_check.model import HopTrace, Observation, Role, Route, Span
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.why import Refusal


@dataclass(frozen=True, slots=True)
class Stop:
    """A hop that stops one route or many: what was seen, and the targets behind it."""

    seen: HopTrace
    observation: Observation
    routes: tuple[Route, ...]

    @property
    def route(self) -> Route:
        """The first of the routes that stop here."""
        return self.routes[0]

    @property
    def affects(self) -> tuple[str, ...]:
        """The targets that are not reached."""
        return tuple(dict.fromkeys(route.target.host.value for route in self.routes))


@dataclass(frozen=True, slots=True)
class Refused:
    """A stop at which the hop itself refused the forward, and why."""

    stop: Stop
    asked: tuple[Asked, ...]
    refusal: Refusal
    registry: Span | None = None
    """Where deploy.yml names the registry that the forward is for."""
    roles: frozenset[Role] = frozenset()
    """The roles that the deciding lines have to serve."""
    as_target: tuple[Refused, ...] = ()
    """Of a jump: its refusals as a target, by lines of this very refusal."""

    @property
    def affects(self) -> tuple[str, ...]:
        """The targets that are not reached."""
        return tuple(dict.fromkeys(host for each in (self, *self.as_target) for host in each.stop.affects))
