"""KF6xx and KF7xx: the forward stands, and no data flows; or it works, and not for long, or too openly."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Cause, Certainty, Fix, Severity, Stage
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.refusals import line_fix
from kamal_forward_check.rules.registry import Hit, rule
from kamal_forward_check.sshd import exposed, wire


@rule("KF601", name="no-data", title="The forward is granted, and no data comes through")
def no_data(facts: Facts) -> Iterator[Hit]:
    """
    The target listens, and a request from the target itself to 127.0.0.1 did not come back from our end, while
    every connection was alive. A firewall on the loopback interface, or another listener that answers first.

    ## Fix
    Let the host talk to itself: `iptables -S`, `nft list ruleset`; look for rules on `lo`.

    ## See it by hand
    With `ssh -R 127.0.0.1:5555:localhost:5555 HOST`, on the host: `curl -v http://127.0.0.1:5555/v2/`
    """
    for stop in facts.stops(Stage.DATA, Cause.NO_DATA):
        hop = stop.seen.hop
        yield Hit(
            message=f"{hop.host} grants the forward, and no data comes through 127.0.0.1:{stop.route.port}",
            hop=hop,
            affects=stop.affects,
            location=hop.origin,
            fix=Fix(
                f"Let {hop.host} talk to itself: look for firewall rules on lo.",
                commands=("sudo iptables -S | grep -w lo; sudo nft list ruleset | grep -w lo",),
            ),
            evidence=(f"on the host: {stop.observation.detail}",),
            same=stop.observation.detail,
        )


@rule("KF602", name="connection-lost", title="The connection ends before the forward has served")
def connection_lost(facts: Facts) -> Iterator[Hit]:
    """
    The login was complete, and the connection ended before the forward was granted, or while it stood: a
    ChrootDirectory with wrong owners, UnusedConnectionTimeout, a jump that went away, a network that cuts.

    ## Fix
    The log of the host, and of the jumps before it, names the reason.

    ## See it by hand
    `sudo journalctl -u ssh --since -5min` on the host.
    """
    for stage in (Stage.FORWARD, Stage.LISTEN, Stage.DATA):
        for stop in facts.stops(stage, Cause.LOST, Cause.TIMED_OUT, Cause.CLOSED_EARLY):
            hop = stop.seen.hop
            what = "falls silent" if stop.observation.cause is Cause.TIMED_OUT else "ends"
            when = "while the forward stands" if stage is Stage.DATA else "while the forward is asked for"
            yield Hit(
                message=f"the connection to {hop.host} {what} {when}",
                hop=hop,
                affects=stop.affects,
                location=hop.origin,
                fix=Fix(f"See why in the log of {hop.host}: sudo journalctl -u ssh -u sshd --since -5min"),
                evidence=(
                    stop.observation.detail,
                    *([stop.seen.heard.disconnect] if stop.seen.heard.disconnect else []),
                ),
            )


@rule("KF701", name="registry-exposed", title="The forward listens on every address", severity=Severity.WARNING)
def registry_exposed(facts: Facts) -> Iterator[Hit]:
    """
    `GatewayPorts yes` makes sshd listen on 0.0.0.0 and [::], whatever was asked for. During each deploy the
    registry, which asks for no password, is open to everyone who can reach the target.

    ## Fix
    `GatewayPorts no` (the default), or `clientspecified`; then `sudo sshd -t`, and reload.

    ## See it by hand
    `ss -ltn 'sport = :5555'` on the target, during a deploy.
    """
    for trace, seen in facts.granted():
        if exposed.is_exposed(seen):
            host, line = seen.hop.host.value, exposed.line(seen)
            fix = Fix(f"Set GatewayPorts no in sshd_config on {host}, sshd -t, reload.")
            yield Hit(
                message=f"{host} opens the registry's port {trace.route.port} to its whole network during a deploy",
                hop=seen.hop,
                affects=(host,),
                location=seen.hop.origin,
                server_line=line,
                fix=fix if line.certainty is Certainty.KEYWORD else line_fix(seen, (line,)),
                evidence=tuple(text for text in seen.heard.debug if wire.GATEWAY_OVERRIDE in text),
                same=(line.file, line.line, line.current),
            )
