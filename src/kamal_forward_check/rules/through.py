"""KF6xx: the forward stands, and no data flows, or not to where it should."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Answers, Beside, Cause, Fix, OwnPort, Severity, Stage
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import Hit, rule


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


@rule("KF603", name="other-listener-on-ipv6", title="Another program listens on [::1] of the port",
      severity=Severity.WARNING)  # fmt: skip
def other_listener_on_ipv6(facts: Facts) -> Iterator[Hit]:
    """
    The forward stands on 127.0.0.1, and another program listens on the same port of ::1 (or of every IPv6 address).
    In the target's /etc/hosts `localhost` is ::1 as well; Docker, which is told to pull from `localhost:PORT`, takes
    ::1 first, and so asks that program. sshd grants the forward all the same: it was asked for 127.0.0.1 alone.

    ## Fix
    Stop that program, or take another port in `registry.server`.

    ## See it by hand
    On the target: `ss -ltnp 'sport = :5555'`, and `curl -v 'http://[::1]:5555/v2/'`
    """
    for trace, seen in facts.granted():
        if Beside.OTHER_ON_IPV6 in seen.beside:
            host, port = seen.hop.host.value, trace.route.port
            yield Hit(
                message=f"on {host} localhost is ::1 too, and another program listens on [::1]:{port}",
                hop=seen.hop,
                affects=(host,),
                location=seen.hop.origin,
                fix=Fix(
                    f"Stop what listens on [::1]:{port} of {host}, or take another port in registry.server.",
                    commands=(f"sudo ss -ltnp 'sport = :{port}'",),
                ),
                why=f"Docker takes ::1 first for localhost:{port}, and does not come to the forward on 127.0.0.1.",
                evidence=(f"on the host: [::1]:{port} takes connections, and our end did not answer there",),
                same=port,
            )


@rule("KF610", name="registry-port-taken", title="Another program answers on the registry's port of this machine",
      severity=Severity.WARNING)  # fmt: skip
def registry_port_taken(facts: Facts) -> Iterator[Hit]:
    """
    Every forward ends at `localhost:PORT` of the machine that deploys. There Kamal starts its registry, the container
    `kamal-docker-registry`, on 127.0.0.1; what answers there now does not say that it is a registry
    (`Docker-Distribution-Api-Version`). While it holds 127.0.0.1, the container can't start; where it holds ::1, and
    `localhost` is ::1 first, the forwards end at it. On a Mac, port 5000 is the AirPlay Receiver's.

    ## Fix
    Stop that program, or take another port in `registry.server`. The container keeps the port it was made with: after
    a change, `kamal registry remove` once.

    ## See it by hand
    `curl -v http://localhost:5555/v2/`; `lsof -nP -iTCP:5555 -sTCP:LISTEN` names the program.
    """
    taken = _first_taken(facts.own_port)
    if not taken:
        return
    port = taken.port
    airplay = "AirTunes" in taken.said
    place = f"[{taken.address}]:{port}" if ":" in taken.address else f"{taken.address}:{port}"
    stop = "Switch the AirPlay Receiver off" if airplay else f"Stop what listens on {place}"
    yield Hit(
        message=f"{place} of this machine is no registry: it {taken.said}",
        affects=tuple(dict.fromkeys(trace.route.target.host.value for trace in facts.traces)),
        location=facts.forwarding.at if facts.forwarding else None,
        fix=Fix(
            f"{stop}, or take another port in registry.server, and run kamal registry remove once: its container keeps "
            "the port it was made with.",
            commands=(f"lsof -nP -iTCP:{port} -sTCP:LISTEN",),
        ),
        why="macOS's AirPlay Receiver answers so." if airplay else "",
        evidence=(f"GET /v2/ on {place}: it {taken.said}",),
    )


def _first_taken(own_port: tuple[OwnPort, ...]) -> OwnPort | None:
    """What is in the way on this machine: up to 127.0.0.1, where the registry is to be; nobody comes to the rest."""
    for seen in own_port:
        if seen.answers is Answers.OTHER:
            return seen
        if seen.address == "127.0.0.1":
            break
    return None
