"""The target asked for the very forward that Kamal asks for, and data sent through it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import paramiko

from kamal_forward_check.model import Cause, Observation, Route, Stage, Status
from kamal_forward_check.probe.causes import ListenDeniedError, cause_of
from kamal_forward_check.probe.data import Flow, send
from kamal_forward_check.probe.live import PROMPT_SECONDS, Live
from kamal_forward_check.probe.notes import Notes, Stopwatch
from kamal_forward_check.probe.refused import ask_gateway, ask_target
from kamal_forward_check.probe.registry_stub import RegistryStub
from kamal_forward_check.sshd import wire
from kamal_forward_check.sshd.listeners import holder, is_own_forward

_AGAIN_SECONDS = 0.5
_LEAST_SECONDS = 0.5
_LAST_WORD_SECONDS = PROMPT_SECONDS + 1


def probe(live: Live, notes: Notes, route: Route, left: Callable[[], float], over: threading.Event) -> None:
    """Ask `live` for the route's forward, hold it for one exchange of data, cancel it. All is in `notes`.

    `left()` gives the seconds that remain; `over` is set when the whole walk ends.
    """
    stub, watch = RegistryStub(), Stopwatch()
    live.transport.on_forwarded(stub.handle)
    try:
        if not _listen(live, notes, route, left, over, watch):
            return
        since = time.monotonic()
        try:
            _data(live, notes, route, stub, left)
        finally:
            live.stop_listening(route.listen, route.port)
            notes.held_ms = (time.monotonic() - since) * 1000
            notes.heard = live.transport.heard()
        ask_gateway(live, notes, route.port)
    except (paramiko.SSHException, OSError, EOFError) as error:
        stage = Stage.DATA if any(seen.stage is Stage.LISTEN for seen in notes.stages) else Stage.LISTEN
        notes.failed(stage, watch.lap(), cause_of(error, stage, live.transport), str(error))
        notes.heard = live.transport.heard()


def _listen(
    live: Live, notes: Notes, route: Route, left: Callable[[], float], over: threading.Event, watch: Stopwatch
) -> bool:
    """Whether the forward was granted.

    A port that another forward of this very login holds comes free when that deploy, or check, ends: it is
    asked for again until time is up; one that was free by the time the host was asked, once more.
    """
    busy, asked = False, False
    while True:
        try:
            live.listen(route.listen, route.port, left())
        except ListenDeniedError as error:
            if not asked:
                asked = True
                notes.so_far = Observation(Stage.LISTEN, Status.FAIL, 0.0, Cause.LISTEN_DENIED, str(error))
                ask_target(live, notes, route.port)
                allowed = wire.may_listen(notes.heard.debug)
                busy = allowed and is_own_forward(notes.host_said)
                if allowed and "sockets" in notes.host_said and holder(notes.host_said) is None:
                    continue
            if busy and left() > 1 and not over.wait(_AGAIN_SECONDS):
                continue
            notes.failed(Stage.LISTEN, watch.lap(), Cause.LISTEN_BUSY if busy else Cause.LISTEN_DENIED, str(error))
            return False
        notes.passed(Stage.LISTEN, watch.lap())
        return True


def _data(live: Live, notes: Notes, route: Route, stub: RegistryStub, left: Callable[[], float]) -> None:
    watch = Stopwatch()
    # Whether silence is a lost connection must be seen before time is up.
    flow, how = send(live, notes, route.port, stub, max(left() - _LAST_WORD_SECONDS, _LEAST_SECONDS))
    if flow is Flow.THROUGH:
        notes.passed(Stage.DATA, watch.lap(), how)
    elif flow is Flow.UNTRIED:
        notes.skipped(Stage.DATA, Cause.CANNOT_RUN, how)
    elif not live.answers():  # silence means "no data" only where the connection, and the jumps' under it, live
        notes.failed(Stage.DATA, watch.lap(), Cause.LOST, "the connection ended during the probe")
    else:
        notes.failed(Stage.DATA, watch.lap(), Cause.NO_DATA, how)
