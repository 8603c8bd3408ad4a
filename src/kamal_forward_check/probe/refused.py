"""A hop that refused: asked for its reasons, once, and only where an answer can still change the diagnosis."""

from __future__ import annotations

from kamal_forward_check.model import Aside
from kamal_forward_check.probe.live import Live
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.questions import of_the_host, on_the_wire
from kamal_forward_check.sshd import effective, wire
from kamal_forward_check.sshd.listeners import holder
from kamal_forward_check.sshd.refusal import is_expired


def ask_jump(live: Live, notes: Notes) -> None:
    """Why does this jump refuse a channel? Its own sshd is asked; the wire, where that can't answer."""
    if notes.host_said or notes.not_asked:
        return
    _ask_the_host(live, notes, live.hop.port.value)
    if _can_add(notes) and wire.is_openssh(notes.heard.version):
        _ask_the_wire(live, notes)


def ask_target(live: Live, notes: Notes, port: int) -> None:
    """Why does this target refuse the listen?"""
    _ask_the_host(live, notes, port)
    debug = notes.heard.debug
    if not _can_add(notes):
        return
    if wire.FORWARDING_DISABLED in debug:
        _ask_the_wire(live, notes)
    elif wire.PERMIT_REFUSED not in debug and wire.is_openssh(notes.heard.version) and not holder(notes.host_said):
        notes.asides = on_the_wire(live, Aside.OTHER_PORT)


def ask_gateway(live: Live, notes: Notes, port: int) -> None:
    """Which line opens the forward to the target's network? Asked where sshd said that one does."""
    if any(wire.GATEWAY_OVERRIDE in text for text in live.transport.debug_texts):
        _ask_the_host(live, notes, port)


def _ask_the_host(live: Live, notes: Notes, port: int) -> None:
    # Before any question: sshd's words about the questions are no words about the refusal.
    notes.heard = live.transport.heard()
    notes.host_said, notes.not_asked = of_the_host(live, port)


def _ask_the_wire(live: Live, notes: Notes) -> None:
    """One channel, and only where that is refused as well, a forward of another kind: does it forbid that too?"""
    notes.asides = on_the_wire(live, Aside.OWN_SSHD)
    if not wire.opens_channels(notes.asides):
        notes.asides |= on_the_wire(live, Aside.STREAMLOCAL)


def _can_add(notes: Notes) -> bool:
    """The wire can still add to what the key's options and the host itself said."""
    key, holds = wire.key_options(notes.heard.debug), effective.read(notes.host_said)
    withheld = key is not None and not key.forwarding
    return not withheld and not is_expired(notes.not_asked) and (holds is None or bool(holds.doubt))
