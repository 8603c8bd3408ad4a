"""A hop that refused: asked for its reasons, once, and only where an answer can still change the diagnosis."""

from __future__ import annotations

from kamal_forward_check.model import Aside
from kamal_forward_check.probe.live import Live
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.questions import of_the_host, on_the_wire
from kamal_forward_check.sshd import effective, wire


def ask_jump(live: Live, notes: Notes) -> None:
    """Why does this jump refuse a channel? Its own sshd is asked; the wire, where that can't answer."""
    if notes.host_said or notes.not_asked:
        return
    # Before any question: sshd's words about the questions are no words about the refusal.
    notes.heard = live.transport.heard()
    notes.host_said, notes.not_asked = of_the_host(live, live.hop.port.value)
    if not _told_all(notes):
        notes.asides = on_the_wire(live, Aside.OWN_SSHD, Aside.STREAMLOCAL)


def ask_target(live: Live, notes: Notes, port: int) -> None:
    """Why does this target refuse the listen?"""
    # Before any question: sshd's words about the questions are no words about the refusal.
    notes.heard = live.transport.heard()
    debug = notes.heard.debug
    notes.host_said, notes.not_asked = of_the_host(live, port)
    if not _told_all(notes):
        if wire.FORWARDING_DISABLED in debug:
            notes.asides = on_the_wire(live, Aside.OWN_SSHD, Aside.STREAMLOCAL)
        elif wire.PERMIT_REFUSED not in debug:
            notes.asides = on_the_wire(live, Aside.OTHER_PORT)


def _told_all(notes: Notes) -> bool:
    holds = effective.read(notes.host_said)
    return holds is not None and not holds.doubt
