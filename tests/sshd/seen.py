"""Plain data in place of a walk: hops and what was seen of them."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import settings

from kamal_forward_check.model import (
    Aside,
    AsideAnswer,
    Cause,
    Client,
    Given,
    Heard,
    Hop,
    HopTrace,
    HostKeyRule,
    Keys,
    Observation,
    Purpose,
    Role,
    Route,
    Span,
    Stage,
    Status,
    Trace,
)

OPENSSH = "SSH-2.0-OpenSSH_9.2p1 Debian-2"
KEY_FINE = "/home/deploy/.ssh/authorized_keys:3: key options: agent-forwarding port-forwarding pty user-rc"
PORT = 5555

ALWAYS_THE_SAME = settings(deadline=None, derandomize=True, database=None)
"""For tests with random data: the same data at every run, however slow the machine."""


def hop(
    role: Role = Role.TARGET, host: str = "web-1", user: str = "deploy", port: int = 22, keys: Keys | None = None
) -> Hop:
    """A hop, put there by line 7 of deploy.yml (a jump by line 12)."""
    jump = role is Role.JUMP
    return Hop(
        role=role,
        host=Given(host, "servers", Span("config/deploy.yml", 12 if jump else 7)),
        port=Given(port, "ssh.port"),
        user=Given(user, "ssh.user"),
        dialled_by=Client.OPENSSH if jump else Client.NET_SSH,
        address=host,
        keys=keys or Keys(),
        host_key_rule=HostKeyRule((host,), ("~/.ssh/known_hosts",), accept_unknown=not jump),
    )


TARGET = hop()
JUMP = hop(Role.JUMP, "bastion", "ops")


def refused(
    of: Hop = TARGET,
    *debug: str,
    key: str = KEY_FINE,
    said: Mapping[str, str] | None = None,
    asides: Mapping[Aside, AsideAnswer] | None = None,
    version: str = OPENSSH,
    busy: bool = False,
) -> HopTrace:
    """A hop that let us in and refused the forward; a target says why on the wire, as `debug` has it."""
    if of.role is Role.TARGET:
        cause = Cause.LISTEN_BUSY if busy else Cause.LISTEN_DENIED
        last = Observation(Stage.LISTEN, Status.FAIL, 1.0, cause, f"127.0.0.1:{PORT}")
    else:
        last = Observation(Stage.FORWARD, Status.FAIL, 1.0, Cause.PROHIBITED, "open failed")
    return HopTrace(
        hop=of,
        stages=(*passed(Stage.REACH, Stage.HOST_KEY, Stage.LOGIN), last),
        heard=Heard(version=version, debug=(*([key] if key else []), *debug)),
        host_said=dict(said or {}),
        asides=dict(asides or {}),
    )


def passed(*stages: Stage) -> tuple[Observation, ...]:
    """The stages, passed."""
    return tuple(Observation(stage, Status.PASS, 1.0) for stage in stages)


def trace(*hops: HopTrace, port: int = PORT) -> Trace:
    """A route as it was walked."""
    return Trace(Route(Purpose.PULL, tuple(seen.hop for seen in hops), "127.0.0.1", port), hops)


def through(of: Hop = JUMP) -> HopTrace:
    """A jump that forwards."""
    stages = passed(Stage.REACH, Stage.HOST_KEY, Stage.LOGIN, Stage.FORWARD)
    return HopTrace(of, stages, Heard(version=OPENSSH, debug=(KEY_FINE,)))


def granted(of: Hop = TARGET, *debug: str) -> HopTrace:
    """A target that grants the listen, and carries data."""
    stages = passed(Stage.REACH, Stage.HOST_KEY, Stage.LOGIN, Stage.LISTEN, Stage.DATA)
    return HopTrace(of, stages, Heard(version=OPENSSH, debug=(KEY_FINE, *debug)))


def stopped(of: Hop, stage: Stage, cause: Cause, detail: str = "", *, heard: Heard | None = None) -> HopTrace:
    """A hop that came to `stage` and stopped there."""
    before = passed(*(each for each in Stage if list(Stage).index(each) < list(Stage).index(stage)))
    last = Observation(stage, Status.FAIL, 1.0, cause, detail)
    return HopTrace(of, (*before, last), heard or Heard(version=OPENSSH))


def config(*lines: str, values: Mapping[str, str] | None = None, file: str = "/etc/ssh/sshd_config") -> dict[str, str]:
    """What a host answers whose sshd_config has `lines`, in sshd's own words; `values` are what `-T` prints."""
    settings = [
        f"debug3: {file}:{number} setting {line.strip()}" for number, line in enumerate(lines, 1) if line.strip()
    ]
    excerpts = [f"@ {number} {number} {file}\n{line}" for number, line in enumerate(lines, 1) if line.strip()]
    holds = {"allowtcpforwarding": "yes", "disableforwarding": "no", "permitlisten": "any", "permitopen": "any"}
    holds |= values or {}
    printed = [f"{keyword} {value}" for keyword, value in holds.items()]
    return {
        "who": "1001\ndeploy\n192.0.2.2 4000 198.51.100.12 22",
        "daemon": "/usr/sbin/sshd -D",
        "sshd": "\n".join(["debug2: load_server_config: filename /etc/ssh/sshd_config", *settings, *printed]),
        "lines": "\n".join(excerpts),
        "os": "debian\nsystemd",
    }


OFF = config("AllowTcpForwarding no", values={"allowtcpforwarding": "no"})
