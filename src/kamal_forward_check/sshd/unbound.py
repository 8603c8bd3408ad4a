"""A target that does not forbid the listen, and could not have it: who holds the port, or what withholds it."""

from __future__ import annotations

from collections.abc import Sequence

from kamal_forward_check.model import HopTrace, Role
from kamal_forward_check.sshd import advice, candidates, effective, listeners, machine
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.why import Refusal, Why


def explain(seen: HopTrace, asked: Asked) -> Refusal:
    """Why an sshd that allows the forward could not bind `asked`."""
    host, holds = machine.read(seen.host_said), effective.read(seen.host_said)
    if held := _held(seen):
        return held
    if host.no_loopback:
        return Refusal(Why.NO_LOOPBACK)
    if holds and holds.values.get("addressfamily") == "inet6":
        line = advice.server_line(seen.hop.host.value, holds.deciding("AddressFamily"), "any")
        return Refusal(Why.FAMILY, (line,), candidates.unsure(seen, holds, (line,)))
    if is_privileged(seen, asked):
        return Refusal(Why.PRIVILEGED)
    return Refusal(Why.CANNOT_BIND, candidates=candidates.not_bound(seen, asked))


def of_another_server(seen: HopTrace, asked: Sequence[Asked]) -> Refusal:
    """A server that is not OpenSSH gives no reason: only a port that is held is one for sure."""
    if seen.hop.role is Role.TARGET and (held := _held(seen)):
        return held
    return Refusal(Why.UNDECIDED, candidates=candidates.of_another_server(seen, asked))


def is_privileged(seen: HopTrace, asked: Asked) -> bool:
    """Only root may listen on the port, and the login is not root."""
    host = machine.read(seen.host_said)
    is_root = host.uid == "0" if host.uid else seen.hop.user.value == "root"
    return 0 < asked.port < host.unprivileged and not is_root


def _held(seen: HopTrace) -> Refusal | None:
    found = listeners.holder(seen.host_said)
    if not found:
        return None
    return Refusal(Why.OWN_FORWARD if listeners.is_own_forward(seen.host_said) else Why.PORT_TAKEN, holder=str(found))
