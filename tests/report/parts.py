"""Parts of reports, built by hand: hops, what was seen of them, and a report around them."""

from __future__ import annotations

from kamal_forward_check.model import (
    Cause,
    Client,
    Finding,
    Forwarding,
    Given,
    Heard,
    Hop,
    HopTrace,
    HostKeyRule,
    KamalVersion,
    Keys,
    Observation,
    Purpose,
    Report,
    Role,
    Route,
    Span,
    Stage,
    Status,
    Trace,
    Vantage,
    Verdict,
)

FILE = "config/deploy.yml"
DROP_IN = "/etc/ssh/sshd_config.d/50-hardening.conf"
PORT = 5555
TIMES = {
    Stage.REACH: 4.2,
    Stage.HOST_KEY: 0.3,
    Stage.LOGIN: 61.0,
    Stage.FORWARD: 2.0,
    Stage.LISTEN: 3.1,
    Stage.DATA: 22.0,
}


def hop(role: Role, host: str, line: int, user: str = "deploy", port: int = 22) -> Hop:
    """A hop that a line of deploy.yml put on the route."""
    return Hop(
        role=role,
        host=Given(host, "deploy.yml", Span(FILE, line, 7, line, 7 + len(host))),
        port=Given(port, "Kamal's default"),
        user=Given(user, "deploy.yml"),
        dialled_by=Client.OPENSSH if role is Role.JUMP else Client.NET_SSH,
        address=host,
        keys=Keys(),
        host_key_rule=HostKeyRule((host,), (), accept_unknown=role is Role.TARGET),
    )


BASTION = hop(Role.JUMP, "bastion.example.com", 21, "ops")


def target(host: str, line: int = 9) -> Hop:
    """A target."""
    return hop(Role.TARGET, host, line)


def seen(of: Hop, stopped: Observation | None = None) -> HopTrace:
    """A hop as it was seen: every stage passed, or all before the one that stopped it."""
    own = (Stage.FORWARD,) if of.role is Role.JUMP else (Stage.LISTEN, Stage.DATA)
    stages = []
    for stage in (Stage.REACH, Stage.HOST_KEY, Stage.LOGIN, *own):
        if stopped and stopped.stage is stage:
            stages.append(stopped)
            break
        stages.append(Observation(stage, Status.PASS, TIMES[stage]))
    held = 210.0 if stages[-1].stage is Stage.DATA else 0.0
    return HopTrace(of, tuple(stages), Heard("SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13"), held_ms=held)


def trace(*hops: HopTrace) -> Trace:
    """A route for Kamal's pull, as it was walked."""
    return Trace(Route(Purpose.PULL, tuple(each.hop for each in hops), "127.0.0.1", PORT), hops)


def refused(stage: Stage, cause: Cause, detail: str = "") -> Observation:
    """What stopped a hop."""
    return Observation(stage, Status.FAIL, 2.0, cause, detail)


def report(verdict: Verdict, *traces: Trace, findings: tuple[Finding, ...] = ()) -> Report:
    """A report in which nothing else is out of the ordinary."""
    return Report(
        tool_version="1.0.0",
        vantage=Vantage.LOCAL,
        kamal=KamalVersion("2.11.0", "Gemfile.lock:212"),
        file=FILE,
        destination=None,
        verdict=verdict,
        forwarding=Forwarding(
            needed=True, port=PORT, reason="registry.server is localhost:5555", at=Span(FILE, 12, 11)
        ),
        traces=traces,
        findings=findings,
        total_ms=1084.0,
    )


NO_LISTEN = refused(Stage.LISTEN, Cause.LISTEN_DENIED)
