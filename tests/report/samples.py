"""Reports as a check makes them, built by hand: each shows something that a format has to cope with."""

from __future__ import annotations

from dataclasses import replace

from kamal_forward_check.model import (
    Candidate,
    Cause,
    Certainty,
    Change,
    Daemon,
    Finding,
    Fix,
    Forwarding,
    Given,
    HopTrace,
    KamalVersion,
    Observation,
    Report,
    Role,
    ServerLine,
    Severity,
    Skipped,
    Span,
    Stage,
    Status,
    Vantage,
    Verdict,
    Way,
)
from tests.report.parts import BASTION, DROP_IN, FILE, NO_LISTEN, PORT, hop, refused, report, seen, target, trace


def targets_refused() -> Report:
    """Two of four targets refuse, by the same line of the same file."""
    hosts = [target(f"10.0.1.{n}", n - 2) for n in range(11, 15)]
    line = ServerLine(
        "10.0.1.11",
        DROP_IN,
        3,
        "AllowTcpForwarding",
        "AllowTcpForwarding no",
        "AllowTcpForwarding remote",
        Certainty.EXACT,
        ((2, "# CIS 5.2.20"), (3, "AllowTcpForwarding no"), (4, "X11Forwarding no")),
    )
    finding = Finding(
        "KF510",
        "target-forwarding-off",
        Severity.ERROR,
        "10.0.1.11 refuses the listen on 127.0.0.1:5555",
        hop=hosts[0],
        affects=("10.0.1.11", "10.0.1.12"),
        location=hosts[0].origin,
        server_line=line,
        fix=Fix(
            f"Change {DROP_IN}:3 on 10.0.1.11 from 'AllowTcpForwarding no' to 'AllowTcpForwarding remote'.",
            tuple(Change(host, DROP_IN, 3, line.current, line.change_to) for host in ("10.0.1.11", "10.0.1.12")),
            (
                f"sudo sed -i '3s/^AllowTcpForwarding no[[:space:]]*$/AllowTcpForwarding remote/' {DROP_IN}",
                "sudo sshd -t && sudo systemctl reload ssh",
            ),
            tuple(Daemon(host, 22, ("/usr/sbin/sshd",)) for host in ("10.0.1.11", "10.0.1.12")),
            undone_by="50-hardening.conf follows a hardening rule (CIS, STIG): to apply it again undoes this.",
            ways=(
                Way(
                    "Narrower, for deploy alone, in a new file",
                    "/etc/ssh/sshd_config.d/00-kamal-forward.conf",
                    ("Match User deploy", "    AllowTcpForwarding remote", "    PermitListen 127.0.0.1:5555"),
                ),
                Way("Can't change the server? A remote registry needs no forward", f"{FILE}:12", ("registry:",)),
            ),
        ),
        why="Login is fine, and authorized_keys allows forwarding.",
        evidence=(
            "asked for tcpip-forward 127.0.0.1:5555: REQUEST_FAILURE",
            "the server said: Server has disabled port forwarding.",
            f"its own sshd -T -ddd, for deploy, named {DROP_IN}:3",
        ),
    )
    walked = [trace(seen(BASTION), seen(host, NO_LISTEN)) for host in hosts[:2]]
    walked += [trace(seen(BASTION), seen(host)) for host in hosts[2:]]
    made = report(Verdict.FAIL, *walked, findings=(finding,))
    return replace(made, destination="staging", ignored={"KF220": 4})


def jump_refused() -> Report:
    """A jump refuses for fifty targets, and two lines of two files must change together."""
    hosts = [target(f"10.0.2.{n}", n) for n in range(1, 51)]
    stop = refused(Stage.FORWARD, Cause.PROHIBITED, "open failed: administratively prohibited")
    main = "/etc/ssh/sshd_config"
    finding = Finding(
        "KF411",
        "jump-forwarding-disabled",
        Severity.ERROR,
        "the jump bastion.example.com refuses to forward to 10.0.2.1:22",
        hop=BASTION,
        affects=tuple(host.host.value for host in hosts),
        location=BASTION.origin,
        server_line=ServerLine(
            "bastion.example.com",
            main,
            71,
            "DisableForwarding",
            "DisableForwarding yes",
            "DisableForwarding no",
            Certainty.EXACT,
        ),
        fix=Fix(
            f"Change together: {main}:71 to 'DisableForwarding no'; {DROP_IN}:4 to 'AllowTcpForwarding local'.",
            (
                Change("bastion.example.com", main, 71, "DisableForwarding yes", "DisableForwarding no"),
                Change("bastion.example.com", DROP_IN, 4, "AllowTcpForwarding no", "AllowTcpForwarding local"),
            ),
            ("sudo sshd -t && sudo systemctl reload ssh",),
            (Daemon("bastion.example.com", 22),),
        ),
        why="Login is fine.",
    )
    walked = [trace(seen(BASTION, stop), HopTrace(host)) for host in hosts]
    return replace(report(Verdict.FAIL, *walked, findings=(finding,)), vantage=Vantage.RUNNER)


def all_well() -> Report:
    """Three targets behind a jump, and data went through to each."""
    return report(Verdict.PASS, *(trace(seen(BASTION), seen(target(f"10.0.1.{n}"))) for n in (11, 12, 13)))


def no_forward_needed() -> Report:
    """The registry is not local."""
    made = report(Verdict.PASS)
    return replace(
        made,
        forwarding=Forwarding(
            needed=False, port=None, reason="registry.server ghcr.io is not local: Kamal opens no forward"
        ),
    )


def warning() -> Report:
    """The forward works, and lets the whole network in."""
    exposed = target("10.0.1.11")
    finding = Finding(
        "KF701",
        "registry-exposed",
        Severity.WARNING,
        "10.0.1.11 opens the registry's port 5555 to its whole network during a deploy",
        hop=exposed,
        affects=("10.0.1.11",),
        location=exposed.origin,
        server_line=ServerLine(
            "10.0.1.11", "sshd_config", None, "GatewayPorts", "GatewayPorts yes", "GatewayPorts no", Certainty.KEYWORD
        ),
        fix=Fix("Set GatewayPorts no in sshd_config on 10.0.1.11, sshd -t, reload."),
    )
    notice = Finding(
        "KF220",
        "key-accepted",
        Severity.NOTICE,
        "the key of 10.0.1.11 is not in known_hosts; Kamal accepts it unseen",
        hop=exposed,
        affects=("10.0.1.11",),
        location=exposed.origin,
    )
    return report(Verdict.PASS, trace(seen(exposed)), findings=(finding, notice))


def candidates() -> Report:
    """A target refuses, and nothing that it says decides between two causes."""
    host = hop(Role.TARGET, "web-1.example.com", 9, "app", 2222)
    finding = Finding(
        "KF519",
        "target-refuses",
        Severity.ERROR,
        "web-1.example.com refuses the listen on 127.0.0.1:5555",
        hop=host,
        affects=("web-1.example.com",),
        location=host.origin,
        candidates=(
            Candidate(
                "AllowTcpForwarding",
                "the refusal names no keyword",
                "sudo sshd -T -C user=app | grep -i allowtcpforwarding",
            ),
            Candidate(
                "PermitListen", "it would refuse in the same words", "sudo sshd -T -C user=app | grep -i permitlisten"
            ),
        ),
        fix=Fix("Run the first candidate's command on the target: it settles which line to change."),
    )
    return report(Verdict.FAIL, trace(seen(host, NO_LISTEN)), findings=(finding,))


def incomplete() -> Report:
    """In a container: one target granted the forward, one could not be asked, and data could not be tried."""
    here, there = target("10.0.1.11", 9), target("localhost", 10)
    unseen = Observation(
        Stage.REACH, Status.SKIPPED, 0.0, Cause.NOT_SEEN_FROM_HERE, "the container's localhost is not the runner's"
    )
    untried = Observation(Stage.DATA, Status.SKIPPED, 0.0, Cause.CANNOT_RUN, "no program there can fetch")
    granted = seen(here)
    granted = replace(granted, stages=(*granted.stages[:-1], untried))
    made = report(Verdict.INCOMPLETE, trace(granted), trace(HopTrace(there, (unseen,))))
    return replace(
        made,
        vantage=Vantage.CONTAINER,
        skipped=(
            Skipped("data through the forward on 10.0.1.11", "no program there can fetch", needed=False),
            Skipped("the forward on localhost", "the container's localhost is not the runner's"),
        ),
    )


def invalid_file() -> Report:
    """Kamal would reject the file, at two lines; one finding lies in ssh_config."""
    findings = (
        Finding(
            "KF103",
            "unknown-key",
            Severity.ERROR,
            "unknown key: `sever` in registry",
            location=Span(FILE, 12, 3, 12, 8),
            fix=Fix("Kamal knows `server`."),
        ),
        Finding("KF105", "missing", Severity.ERROR, "servers: is required", location=Span(FILE, 1, 1)),
        Finding(
            "KF106", "wrong-value", Severity.WARNING, "ProxyJump is not read", location=Span("~/.ssh/config", 7, 3)
        ),
    )
    return replace(
        report(Verdict.FAIL, findings=findings), forwarding=Forwarding(needed=False, port=None, reason="no registry")
    )


HOSTILE = (
    "x\r\n::error::e\n##[set-output name=verdict;]pass\x1b[2J\u202e"
    '`</code><img src=x>](http://evil.example) | "; end @octo #1'
)


def hostile() -> Report:
    """Every text that may come from outside tries to be something else."""
    host = replace(target("evil"), host=Given(f"evil{HOSTILE}", "deploy.yml", Span(f"config/{HOSTILE}.yml", 9, 7)))
    line = ServerLine(HOSTILE, HOSTILE, 3, HOSTILE, f"Allow {HOSTILE}", HOSTILE, Certainty.EXACT, ((2, HOSTILE),))
    finding = Finding(
        "KF510",
        "target-forwarding-off",
        Severity.ERROR,
        f"{HOSTILE} refuses",
        hop=host,
        affects=(HOSTILE, f"::warning::{HOSTILE}"),
        location=host.origin,
        server_line=line,
        candidates=(Candidate(HOSTILE, HOSTILE, HOSTILE),),
        fix=Fix(
            HOSTILE,
            (Change(HOSTILE, HOSTILE, 3, HOSTILE, HOSTILE),),
            (HOSTILE, f"```\n{HOSTILE}"),
            (Daemon(HOSTILE, 22, (HOSTILE,)),),
            (HOSTILE,),
            HOSTILE,
            (Way(HOSTILE, HOSTILE, (HOSTILE,)),),
        ),
        why=f"{HOSTILE} ::add-mask::e",
        evidence=(HOSTILE, f"```\n{HOSTILE}"),
    )
    made = report(
        Verdict.FAIL, trace(seen(host, refused(Stage.LISTEN, Cause.LISTEN_DENIED, HOSTILE))), findings=(finding,)
    )
    return replace(
        made,
        file=f"config/{HOSTILE}.yml",
        destination=HOSTILE,
        kamal=KamalVersion(HOSTILE, HOSTILE),
        forwarding=Forwarding(needed=True, port=PORT, reason=HOSTILE),
        ignored={HOSTILE: 1},
        skipped=(Skipped(HOSTILE, HOSTILE),),
    )


SAMPLES = {
    sample.__name__.replace("_", "-"): sample
    for sample in (
        targets_refused,
        jump_refused,
        all_well,
        no_forward_needed,
        warning,
        candidates,
        incomplete,
        invalid_file,
        hostile,
    )
}
