"""One hop entered: connected (through the hop before it), its key judged, logged in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paramiko

from kamal_forward_check.model import Cause, Hop, Observation, Stage, Status, Vantage
from kamal_forward_check.probe.causes import (
    ChannelRefusedError,
    HalfLoginError,
    HostKeyError,
    NothingSharedError,
    cause_of,
)
from kamal_forward_check.probe.children import Children
from kamal_forward_check.probe.dial import CommandSocket, dial
from kamal_forward_check.probe.hearing import HearingTransport
from kamal_forward_check.probe.kamals_ssh import KamalsSsh
from kamal_forward_check.probe.keys import KeyRing, Login
from kamal_forward_check.probe.known_hosts import KnownKey, judge, known_keys
from kamal_forward_check.probe.live import HopConnection, Live
from kamal_forward_check.probe.notes import Notes, Stopwatch
from kamal_forward_check.probe.vantage import unseen
from kamal_forward_check.sshd.net_ssh import unshared
from kamal_forward_check.system import System

_IGNORED_BYTES = 8
_FIRST_WORD_SECONDS = 0.05
_SHA2_FOR_RSA = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True, slots=True)
class World:
    """What the walk knows of this machine."""

    system: System
    ring: KeyRing
    vantage: Vantage
    children: Children
    ssh: KamalsSsh
    register: Callable[[Live], None]
    """Called with every connection before its first packet: whoever walks closes them all."""


@dataclass(slots=True)
class Entry:
    """How entering went: `live` where it did. `forward` is what the hop *before* showed by its channel."""

    live: Live | None = None
    forward: Observation | None = None


class _JudgedHere(paramiko.MissingHostKeyPolicy):
    """paramiko is given no known_hosts: every key is "missing", and is judged as the client that Kamal uses would."""

    def __init__(self, notes: Notes, known: tuple[KnownKey, ...], watch: Stopwatch) -> None:
        self._notes, self._known, self._watch = notes, known, watch

    def missing_host_key(self, client: Any, _name: str, key: paramiko.PKey) -> None:
        if stop := _unshared(self._notes.hop, client.get_transport()):
            raise stop
        self._notes.passed(Stage.REACH, self._watch.lap())
        self._notes.host_key = judge(self._notes.hop.host_key_rule, self._known, key)
        self._notes.passed(Stage.HOST_KEY, self._watch.lap())


def enter(notes: Notes, through: Live | None, world: World, limit: float, by: CommandSocket | None = None) -> Entry:
    """Enter the notes' hop within `limit` seconds: through another, by a command that leads to it, or directly.

    Never raises for what a server or a network does: that is in the notes.
    """
    hop, watch, start = notes.hop, Stopwatch(), time.monotonic()
    known = known_keys(hop.host_key_rule, world.system)
    login = Login(hop, world.ring)
    kwargs: dict[str, Any] = {
        "auth_strategy": login,
        "transport_factory": _preferring(known),
        **dict.fromkeys(("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), limit),
    }
    connection = HopConnection(hop, through.connection if through else None, kwargs)
    connection.client.set_missing_host_key_policy(_JudgedHere(notes, known, watch))
    live = Live(hop, connection, by)
    world.register(live)
    entry = Entry()
    if through:
        # Fabric opens the gateway's channel with the gateway's own limit.
        through.transport.channel_timeout = limit
    try:
        if not through:
            kwargs["sock"] = connection.connect_kwargs["sock"] = by.socket if by else _first(live, world, limit)
        with _within(live, limit):
            _open(live)
        notes.passed(Stage.LOGIN, watch.lap(), login.opened_by)
        entry.live = live
    except Exception as error:  # noqa: BLE001 - the table says what each means; none may end the walk
        entry.forward = _failed(notes, error, live, world, late=time.monotonic() - start >= limit, ms=watch.lap())
    if through and entry.forward is None:
        reached = notes.stages[0].ms if notes.stages else 0.0
        entry.forward = Observation(Stage.FORWARD, Status.PASS, reached)
    transport = connection.client.get_transport()
    if transport is not None:
        notes.heard = transport.heard()
        notes.login = login.trace(transport.offer)
        notes.opened_by, notes.opened_by_identity = login.opened_by, login.opened_by_identity
    if entry.live is None:
        live.close()
    return entry


@contextmanager
def _within(live: Live, limit: float) -> Iterator[None]:
    """End the connection once `limit` seconds are over: to paramiko, each of its own steps may take as long."""
    timer = threading.Timer(limit, live.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _open(live: Live) -> None:
    live.connection.open()
    if live.closed:
        raise ConnectionAbortedError("the walk ended meanwhile")
    transport = live.transport
    if transport.is_authenticated():
        # sshd's first debug line waits for an ACK of what came before; our packet carries it, and from then on
        # every reply is prompt.
        transport.send_ignore(_IGNORED_BYTES)
        if not transport.spoke.wait(_FIRST_WORD_SECONDS):
            live.answers()
    if not transport.is_active():
        raise EOFError("the connection ended right after the login")
    if not transport.is_authenticated():
        raise HalfLoginError("the server accepted a key, and asks for more")


def _failed(notes: Notes, error: Exception, live: Live, world: World, *, late: bool, ms: float) -> Observation | None:
    """Note what stopped the entering; where the hop before forbids it, that is returned, for it is not ours."""
    if isinstance(error, HostKeyError):
        notes.host_key = error.seen
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        error = _unshared(notes.hop, live.transport) or error
    seen = {stage.stage for stage in notes.stages}
    stage = next(s for s in (Stage.REACH, Stage.HOST_KEY, Stage.LOGIN) if s not in seen or s is Stage.LOGIN)
    cause = cause_of(error, stage, live.connection.client.get_transport())
    if late and cause in (Cause.LOST, Cause.CLOSED_EARLY, Cause.UNEXPECTED):
        cause = Cause.TIMED_OUT
    detail, lacks = str(error) or type(error).__name__, ""
    if notes.hop.proxy_command and isinstance(live.first, CommandSocket) and stage is Stage.REACH:
        live.first.heard_out()
        cause, detail, lacks = Cause.PROXY_COMMAND, live.first.said or detail, world.children.lacks
    if isinstance(error, ChannelRefusedError) and error.by_policy:
        return Observation(Stage.FORWARD, Status.FAIL, ms, cause, detail)
    first = not (live.connection.gateway or isinstance(live.first, CommandSocket))  # it is dialled from here
    reason = unseen(world.vantage, notes.hop, cause, detail, first=first, lacks=lacks)
    if reason and not isinstance(error, NothingSharedError):
        notes.skipped(stage, cause, reason)
    else:
        notes.failed(stage, ms, cause, detail)
    return None


def _unshared(hop: Hop, transport: HearingTransport) -> NothingSharedError | None:
    """What keeps Kamal's client, which is not ours, from an agreement with this server."""
    if hop.proposes is None or transport.algorithms is None:
        return None
    keywords = [kind.keyword for kind in unshared(hop.proposes, transport.algorithms)]
    return NothingSharedError(", ".join(keywords)) if keywords else None


def _first(live: Live, world: World, limit: float) -> Any:
    if command := live.hop.proxy_command:
        live.first = world.children.start(command.value)
        return live.first.socket
    live.first = dial(live.hop.address, live.hop.port.value, limit)
    return live.first


def _preferring(known: Sequence[KnownKey]) -> Any:
    """A transport that asks first for the key types that known_hosts has, as both clients do.

    Else a host known by its RSA key alone would show its Ed25519 key, and look changed.
    """
    names = {key.kind for key in known if not key.marker}
    if "ssh-rsa" in names:
        names.update(_SHA2_FOR_RSA)

    def transport(sock: Any, **kwargs: Any) -> HearingTransport:
        made = HearingTransport(sock, **kwargs)
        options = made.get_security_options()
        options.key_types = sorted(options.key_types, key=lambda kind: kind not in names)
        return made

    return transport
