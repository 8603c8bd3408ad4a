"""Routes walked: jumps dialled once and shared, targets in parallel, everything closed at the end.

Nothing on a host is changed but what a login itself leaves. A forward is held for one probe and cancelled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from typing import Self

from kamal_forward_check.model import Cause, Hop, HopTrace, Keys, Observation, Route, Stage, Status, Trace, Vantage
from kamal_forward_check.probe.children import Children
from kamal_forward_check.probe.enter import Entry, World, enter
from kamal_forward_check.probe.kamals_ssh import KamalsSsh
from kamal_forward_check.probe.keys import KeyRing
from kamal_forward_check.probe.live import Live
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.pool import Pool
from kamal_forward_check.probe.refused import ask_jump
from kamal_forward_check.probe.target import probe
from kamal_forward_check.system import System

ROUTE_SECONDS = 30.0
"""Kamal waits this long for all its forwards (Kamal 2.8.2, cli/build/port_forwarding.rb)."""

WORKERS = 16
"""More targets at once gain nothing (measured, 50 targets through one jump)."""

_WAIT_SECONDS = 0.2
_BY_SSH_ALONE = (Cause.NO_COMMON_ALGORITHM, Cause.NOT_SEEN_FROM_HERE, Cause.UNSIGNED)
_ENDINGS = (Cause.LOST, Cause.CLOSED_EARLY, Cause.TIMED_OUT)


def walk(routes: Iterable[Route], system: System, vantage: Vantage, seconds: float) -> tuple[Trace, ...]:
    """A Trace for each route, in order, within `seconds`. Every connection is closed in the end."""
    with Walk(routes, system, vantage, seconds) as under_way:
        return under_way.finish()


@dataclass(slots=True)
class _Jump:
    """A jump as one or many routes come to it: by these very hops before it. Entered once.

    `forward` is what the jump before it showed by the channel to this one.
    """

    notes: Notes
    before: _Jump | None
    forward: Observation | None = None
    live: Live | None = None
    behind: list[_Jump] = field(default_factory=list)
    ways: list[_Way] = field(default_factory=list)
    asking: threading.Lock = field(default_factory=threading.Lock)

    def all_ways(self) -> Iterator[_Way]:
        """The ways over this jump, those over further jumps among them."""
        yield from self.ways
        for further in self.behind:
            yield from further.all_ways()


@dataclass(slots=True)
class _Way:
    """A route being walked. `forward` is what its last jump showed by the channel to its target.

    `crossed` is what was seen of its jumps where Kamal's own ssh had to cross them.
    """

    route: Route
    jump: _Jump | None
    notes: Notes
    forward: Observation | None = None
    crossed: tuple[HopTrace, ...] = ()
    done: Future[None] = field(default_factory=Future)

    def trace(self) -> Trace:
        """The way as far as it was walked: each jump's notes, and what it showed on this way alone."""
        if self.crossed:
            return Trace(self.route, (*self.crossed, self.notes.trace()))
        hops, step = [self.notes.trace()], self.jump
        shown = self.forward
        while step:
            hops.append(step.notes.trace(*([shown] if shown else [])))
            shown = step.forward
            step = step.before
        return Trace(self.route, tuple(reversed(hops)))

    @property
    def jumps(self) -> list[Notes]:
        """The notes of its jumps, in dialling order."""
        found, step = [], self.jump
        while step:
            found.append(step.notes)
            step = step.before
        return found[::-1]


class Walk:
    """A walk over routes, under way from `with` on; `finish` gives a Trace for each route, in order.

    It ends within `seconds`, and every connection is closed when the block is left, whatever ends it.
    """

    def __init__(self, routes: Iterable[Route], system: System, vantage: Vantage, seconds: float) -> None:
        routes, ring = tuple(routes), KeyRing(system)
        children = Children(system, ring, tuple(dict.fromkeys(key for route in routes for key in route.identities)))
        self._world = World(system, ring, vantage, children, KamalsSsh(children), self._register)
        self._start = time.monotonic()
        self._end = self._start + seconds
        self._live: list[Live] = []
        self._over = threading.Event()
        self._pool = Pool(WORKERS)
        self._jumps: dict[tuple[Hop, ...], _Jump] = {}
        self._ways = [_Way(route, self._jump(route.jumps), Notes(route.target)) for route in routes]
        for way in self._ways:
            if way.jump:
                way.jump.ways.append(way)

    def __enter__(self) -> Self:
        for hops, jump in self._jumps.items():
            if len(hops) == 1:
                self._thread(self._enter_jump, jump)
        for way in self._ways:
            if way.jump is None:
                self._pool.submit(self._finish_way, way, time.monotonic())
        return self

    def __exit__(self, *_error: object) -> None:
        """End every connection, the jumps' first: what goes through them ends with them."""
        self._over.set()
        self._world.children.close()
        for live in list(self._live):
            live.close()
        self._world.ssh.close()

    def finish(self) -> tuple[Trace, ...]:
        """Wait until every route is walked, or time is up."""
        under_way = {way.done for way in self._ways}
        # Wait after wait: a signal that comes just before one begins is heard when it ends.
        while under_way and (left := self._end - time.monotonic()) > 0:
            under_way = wait(under_way, timeout=min(left, _WAIT_SECONDS)).not_done
        return self.so_far("the time for the whole check was up")

    def so_far(self, why: str) -> tuple[Trace, ...]:
        """What was seen by now; `why` there is no more to come."""
        for way in self._ways:
            if way.done.done():
                way.done.result()  # a bug of ours is raised, not swallowed
            else:
                way.notes.cut_short(why)
        return tuple(way.trace() for way in self._ways)

    def _jump(self, hops: tuple[Hop, ...]) -> _Jump | None:
        """The jump that is reached over `hops`, its last; routes that begin alike share it."""
        if not hops:
            return None
        if hops not in self._jumps:
            before = self._jump(hops[:-1])
            self._jumps[hops] = jump = _Jump(Notes(hops[-1]), before)
            if before:
                before.behind.append(jump)
        return self._jumps[hops]

    def _register(self, live: Live) -> None:
        self._live.append(live)
        if self._over.is_set():
            live.close()
            raise ConnectionAbortedError("the walk is over")

    def _left(self, since: float) -> float:
        """Seconds left for a route that began at `since`."""
        return max(min(since + ROUTE_SECONDS, self._end) - time.monotonic(), 0.001)

    def _thread(self, work: Callable[[_Jump], None], jump: _Jump) -> None:
        threading.Thread(target=work, args=(jump,), daemon=True).start()

    def _enter_jump(self, jump: _Jump) -> None:
        """Enter a jump, then what lies behind it: further jumps at once, targets as the pool has room."""
        try:
            before = jump.before.live if jump.before else None
            entry = enter(jump.notes, before, self._world, self._left(self._start))
            jump.live, jump.forward = entry.live, _shown(before, jump.notes, entry)
            if jump.before and before:
                self._ask_if_refused(jump.before, before, entry)
        except Exception as error:  # noqa: BLE001 - whoever waits for the ways has to hear of it
            self._stop_behind(jump, error)
            return
        if jump.live is None:
            self._try_keys_of_target(jump, before)
            if self._is_for_ssh(jump):
                self._cross(jump)
            else:
                self._stop_behind(jump)
            return
        for further in jump.behind:
            self._thread(self._enter_jump, further)
        # A target may have to wait for a free thread: its own 30 s begin when it has one, less what the jumps took.
        spent = time.monotonic() - self._start
        for way in jump.ways:
            self._pool.submit(lambda way=way: self._finish_way(way, time.monotonic() - spent))

    def _try_keys_of_target(self, jump: _Jump, before: Live | None) -> None:
        """A jump that no key opened: would one that deploy.yml has for the target alone?"""
        if not {Cause.LOGIN_REFUSED, Cause.NO_KEY} & {seen.cause for seen in jump.notes.stages}:
            return
        target = next(jump.all_ways()).route.target.keys
        offered = {key.value for key in jump.notes.hop.keys.files}
        files = tuple(key for key in target.files if key.source == "ssh.keys" and key.value not in offered)
        if files or target.data:
            trial = Notes(replace(jump.notes.hop, keys=Keys(files=files, data=target.data)))
            entry = enter(trial, before, self._world, self._left(self._start))
            if entry.live:
                entry.live.close()
                jump.notes.login = replace(jump.notes.login, would_open=trial.opened_by)

    def _is_for_ssh(self, jump: _Jump) -> bool:
        """Kamal's own ssh may tell what we can't: in a container, whose files are others, by what it can do alone."""
        seen = jump.notes.stages[-1].cause if jump.notes.undecided else None
        tells = seen and (self._world.vantage is not Vantage.CONTAINER or seen in _BY_SSH_ALONE)
        return bool(tells) and all(way.route.ssh for way in jump.all_ways()) and self._world.ssh.is_here

    def _stop_behind(self, jump: _Jump, error: Exception | None = None) -> None:
        for way in jump.all_ways():
            if error:
                way.done.set_exception(error)
            else:
                way.done.set_result(None)

    def _cross(self, jump: _Jump) -> None:
        """Kamal's own ssh decides for the ways over a jump: one goes ahead, and the others with it or after it."""
        together: dict[tuple[Hop, ...], list[_Way]] = {}
        for way in jump.all_ways():
            together.setdefault(way.route.jumps, []).append(way)
        for first, *others in together.values():
            alike = self._cross_way(first)
            for way in others:
                if alike:
                    way.crossed = first.crossed
                    way.done.set_result(None)
                else:
                    self._pool.submit(self._cross_way, way)

    def _cross_way(self, way: _Way) -> bool:
        """Walk a way by Kamal's own ssh. True where it ends at a jump, as every way over these jumps would."""
        from kamal_forward_check.probe.crossing import cross

        since = time.monotonic()  # what we have tried ourselves is none of Kamal's 30 seconds
        try:
            crossing = cross(way.route, way.jumps, way.notes, self._world, self._left(since))
            way.crossed = crossing.jumps
            if crossing.live is not None:
                probe(crossing.live, way.notes, way.route, lambda: self._left(since), self._over)
                crossing.live.close()
        except Exception as error:  # noqa: BLE001 - as above
            way.done.set_exception(error)
            return False
        way.done.set_result(None)
        return crossing.ends_at_a_jump

    def _finish_way(self, way: _Way, since: float) -> None:
        through = way.jump.live if way.jump else None
        try:
            entry = enter(way.notes, through, self._world, self._left(since))
            if entry.live is not None:
                probe(entry.live, way.notes, way.route, lambda: self._left(since), self._over)
                entry.live.close()
            elif way.jump and through:
                self._ask_if_refused(way.jump, through, entry)
            way.forward = _shown(through, way.notes, entry)
        except Exception as error:  # noqa: BLE001 - as above
            way.done.set_exception(error)
        else:
            way.done.set_result(None)

    def _ask_if_refused(self, jump: _Jump, live: Live, entry: Entry) -> None:
        """Ask a jump that forbids the channel why, once, however many ways it closes."""
        if entry.forward and entry.forward.status is Status.FAIL:
            with jump.asking:
                ask_jump(live, jump.notes)


def _shown(through: Live | None, notes: Notes, entry: Entry) -> Observation | None:
    """What a jump showed by its channel to the notes' hop.

    Where the jump itself is gone, what ended behind it says nothing of the hop behind: it is the jump's stop.
    """
    seen = notes.stages[-1] if notes.stages else None
    if through is None or seen is None or seen.cause not in _ENDINGS or through.answers():
        return entry.forward
    notes.stages.pop()
    return Observation(Stage.FORWARD, Status.FAIL, seen.ms, Cause.LOST, f"the connection to {through.hop.host} ended")
