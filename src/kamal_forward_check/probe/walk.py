"""Routes walked: jumps dialled once and shared, targets in parallel, everything closed at the end.

Nothing on a host is changed but what a login itself leaves. A forward is held for one probe and cancelled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from kamal_forward_check.model import Cause, Hop, Observation, Route, Stage, Status, Trace, Vantage
from kamal_forward_check.probe.enter import Entry, World, enter
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


def walk(routes: Iterable[Route], system: System, vantage: Vantage, seconds: float) -> tuple[Trace, ...]:
    """A Trace for each route, in order, within `seconds`. Every connection is closed in the end."""
    return _Walk(tuple(routes), system, vantage, seconds).run()


@dataclass(slots=True)
class _Way:
    """A route being walked. `forward` is what its last jump showed by the channel to its target."""

    route: Route
    target: Notes
    forward: Observation | None = None
    done: Future[None] = field(default_factory=Future)


@dataclass(slots=True)
class _Chain:
    """The jumps that some routes share, entered in order. `forwards[n]` is what jump n showed to jump n + 1."""

    jumps: list[Notes]
    ways: list[_Way] = field(default_factory=list)
    forwards: list[Observation] = field(default_factory=list)
    asking: threading.Lock = field(default_factory=threading.Lock)

    def trace(self, way: _Way) -> Trace:
        """The way as far as it was walked."""
        forwards: list[Observation | None] = [*self.forwards]
        if len(forwards) < len(self.jumps):
            forwards.append(way.forward)
        forwards += [None] * (len(self.jumps) - len(forwards))
        jumps = [
            notes.trace(*([forward] if forward else [])) for notes, forward in zip(self.jumps, forwards, strict=True)
        ]
        return Trace(way.route, (*jumps, way.target.trace()))


class _Walk:
    def __init__(self, routes: tuple[Route, ...], system: System, vantage: Vantage, seconds: float) -> None:
        self._world = World(system, KeyRing(system), vantage, self._register)
        self._end = time.monotonic() + seconds
        self._live: list[Live] = []
        self._over = threading.Event()
        self._pool = Pool(WORKERS)
        self._chains: dict[tuple[Hop, ...], _Chain] = {}
        self._routes = routes
        for route in routes:
            chain = self._chains.setdefault(route.jumps, _Chain([Notes(hop) for hop in route.jumps]))
            chain.ways.append(_Way(route, Notes(route.target)))

    def run(self) -> tuple[Trace, ...]:
        ways = [way for chain in self._chains.values() for way in chain.ways]
        try:
            for chain in self._chains.values():
                threading.Thread(target=self._walk_chain, args=(chain,), daemon=True).start()
            wait([way.done for way in ways], timeout=max(self._end - time.monotonic(), 0))
        finally:
            self._close()
        for way in ways:
            if way.done.done():
                way.done.result()  # a bug of ours is raised, not swallowed
            else:
                way.target.skipped(Stage.LISTEN, Cause.OUT_OF_TIME, "the time for the whole check was up")
        traces = {way.route: chain.trace(way) for chain in self._chains.values() for way in chain.ways}
        return tuple(traces[route] for route in self._routes)

    def _register(self, live: Live) -> None:
        if self._over.is_set():
            raise ConnectionAbortedError("the walk is over")
        self._live.append(live)

    def _close(self) -> None:
        """End every connection, the jumps' first: what goes through them ends with them."""
        self._over.set()
        for live in list(self._live):
            live.close()

    def _left(self, since: float) -> float:
        """Seconds left for a route that began at `since`."""
        now = time.monotonic()
        return max(min(since + ROUTE_SECONDS, self._end) - now, 0.001)

    def _walk_chain(self, chain: _Chain) -> None:
        start = time.monotonic()
        try:
            last = self._enter_jumps(chain, start)
        except Exception as error:  # noqa: BLE001 - whoever waits for the ways has to hear of it
            for way in chain.ways:
                way.done.set_exception(error)
            return
        spent = time.monotonic() - start
        for way in chain.ways:
            if chain.jumps and last is None:
                way.done.set_result(None)
            else:
                self._pool.submit(self._finish, chain, way, last, spent)

    def _enter_jumps(self, chain: _Chain, start: float) -> Live | None:
        """The last jump, open; or None where a jump stopped (or where there is none)."""
        live: Live | None = None
        for number, notes in enumerate(chain.jumps):
            entry = enter(notes, live, self._world, self._left(start))
            if live is not None and entry.forward:
                chain.forwards.append(entry.forward)
                if entry.forward.status is Status.FAIL:
                    ask_jump(live, chain.jumps[number - 1])
            live = entry.live
            if live is None:
                return None
        return live

    def _finish(self, chain: _Chain, way: _Way, jump: Live | None, spent: float) -> None:
        start = time.monotonic() - spent
        try:
            entry: Entry = enter(way.target, jump, self._world, self._left(start))
            way.forward = entry.forward
            if entry.live is not None:
                probe(entry.live, way.target, way.route, lambda: self._left(start), self._over)
                entry.live.close()
            elif jump is not None and entry.forward and entry.forward.status is Status.FAIL:
                with chain.asking:
                    ask_jump(jump, chain.jumps[-1])
        except Exception as error:  # noqa: BLE001 - as above
            way.done.set_exception(error)
        else:
            way.done.set_result(None)
