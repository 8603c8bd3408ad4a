"""A target that listens on every address although asked for one: which line says so."""

from __future__ import annotations

from kamal_forward_check.model import Certainty, HopTrace, ServerLine
from kamal_forward_check.sshd import advice, effective, wire
from kamal_forward_check.sshd.refusal import IN_SSHD_CONFIG


def is_exposed(seen: HopTrace) -> bool:
    """sshd said that it listens elsewhere than it was asked to."""
    return any(wire.GATEWAY_OVERRIDE in text for text in seen.heard.debug)


def line(seen: HopTrace) -> ServerLine:
    """The line of GatewayPorts that decides, where the host's own sshd names it; else the keyword, which is proven."""
    host, holds = seen.hop.host.value, effective.read(seen.host_said)
    if holds and holds.values.get("gatewayports") == "yes":
        return advice.server_line(host, holds.deciding("GatewayPorts"), "no")
    current, change_to = "GatewayPorts yes", "GatewayPorts no"
    return ServerLine(host, IN_SSHD_CONFIG, None, "GatewayPorts", current, change_to, Certainty.KEYWORD)
