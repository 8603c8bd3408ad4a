"""KF2xx: reaching a host, and the key that it shows."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Candidate, Cause, Fix, Role, Severity, Stage
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import Hit, rule
from kamal_forward_check.rules.stops import Stop
from kamal_forward_check.sshd import logins
from kamal_forward_check.sshd.products import SESSION_SHELL

SLOW_MS = 10_000.0
_SESSION_DOCUMENT = "`--document-name AWS-StartSSHSession --parameters portNumber=%p`"


def _from(stop: Stop) -> str:
    """Where the hop is dialled from: this machine, or the jump before it."""
    at = stop.route.hops.index(stop.seen.hop)
    return stop.route.hops[at - 1].host.value if at else "this machine"


def hit(
    stop: Stop,
    message: str,
    fix: str,
    *,
    why: str = "",
    causes: tuple[Candidate, ...] = (),
    commands: tuple[str, ...] = (),
) -> Hit:
    """The hit for a hop that is not entered: what was seen, from where, and what to do."""
    hop = stop.seen.hop
    return Hit(
        message=message,
        hop=hop,
        affects=stop.affects,
        location=hop.origin,
        candidates=causes,
        fix=Fix(fix, commands=commands),
        why=why,
        evidence=_evidence(stop),
        same=(_from(stop), stop.observation.cause, stop.observation.detail, hop.port.value) if _alike(stop) else None,
    )


def _alike(stop: Stop) -> bool:
    """Many targets that the same machine can't reach in the same way are one fault; a jump is always its own."""
    return stop.seen.hop.role is Role.TARGET and stop.observation.cause is not Cause.HOST_KEY_CHANGED


def _evidence(stop: Stop) -> tuple[str, ...]:
    heard = stop.seen.heard
    said = [f"from {_from(stop)}: {stop.observation.detail}"] if stop.observation.detail else []
    said += [f"before its banner the server said: {text}" for text in heard.before_banner if text.strip()]
    if heard.version:
        said.append(f"the server is {heard.version}")
    return tuple(said)


def _at(stop: Stop) -> str:
    hop = stop.seen.hop
    return f"{hop.address}:{hop.port}" if ":" not in hop.address else f"[{hop.address}]:{hop.port}"


@rule("KF201", name="name-unknown", title="A host's name can't be resolved")
def name_unknown(facts: Facts) -> Iterator[Hit]:
    """
    The name of the hop has no address where it is looked up: on the deploying machine for the first hop, on
    the jump for every hop behind it (ssh sends the name through, and the jump's resolver counts).
    `user@host` and `host:port` are no names: Kamal passes them on as they are, and they fail here.

    ## Fix
    Correct the name in deploy.yml, or make it known where it is looked up. A private address in place of the
    name always works behind a jump.

    ## See it by hand
    `getent hosts NAME`, on the machine that the report names.
    """
    for stop in facts.stops(Stage.REACH, Cause.NAME_UNKNOWN):
        name, where = stop.seen.hop.address, _from(stop)
        yield hit(
            stop,
            f"{where} can't resolve the name {name}",
            f"Correct {name} in deploy.yml, or make it known on {where}.",
            commands=(f"getent hosts {name}",),
        )


@rule("KF202", name="connection-refused", title="Nothing listens on a host's SSH port")
def connection_refused(facts: Facts) -> Iterator[Hit]:
    """
    The host is there and refused the connection: no sshd listens on that port. Behind a jump, it is the jump
    that tried; so the jump does forward.

    ## Fix
    Check `ssh.port` in deploy.yml (the port in `ssh.proxy` for a jump), and that sshd runs on the host.

    ## See it by hand
    `nc -vz HOST PORT`, from the machine that the report names.
    """
    for stop in facts.stops(Stage.REACH, Cause.REFUSED):
        setting = "the port in ssh.proxy" if stop.seen.hop.role is Role.JUMP else "ssh.port"
        yield hit(
            stop,
            f"{stop.seen.hop.host} refuses connections on port {stop.seen.hop.port}",
            f"Check {setting} ({stop.seen.hop.port}), and that sshd listens there.",
            why=f"{_from(stop)} tried {_at(stop)}: nothing listens there.",
        )


@rule("KF203", name="no-answer", title="A host does not answer")
def no_answer(facts: Facts) -> Iterator[Hit]:
    """
    Packets to the host vanish, or it took the connection and said nothing within the 30 s that Kamal waits.
    That is a firewall or a security group, a wrong address, or a host that is down or overloaded. A server
    that speaks SSH and does not finish the login has a finding of its own, KF306.

    ## Fix
    Let the machine that the report names reach the SSH port: security group, firewall, VPN, address.

    ## See it by hand
    `nc -vz -w 5 HOST PORT`, from that machine.
    """
    for stop in facts.stops(Stage.REACH, Cause.TIMED_OUT):
        yield hit(
            stop,
            f"{stop.seen.hop.host} does not answer on port {stop.seen.hop.port}",
            f"Let {_from(stop)} reach {_at(stop)}: security group, firewall, VPN, or a wrong address.",
            why=f"{_from(stop)} waited {stop.observation.ms / 1000:.0f} s.",
        )


@rule("KF204", name="no-route", title="There is no way to a host")
def no_route(facts: Facts) -> Iterator[Hit]:
    """
    The network says that the host can't be reached: no route, or an address family that is not there.

    ## Fix
    Check the address, and the network of the machine that the report names. A private address needs
    `ssh.proxy` from outside; IPv6 needs an IPv6 network.

    ## See it by hand
    `ip route get ADDRESS`, on that machine.
    """
    for stop in facts.stops(Stage.REACH, Cause.NO_ROUTE):
        yield hit(
            stop,
            f"{_from(stop)} has no route to {stop.seen.hop.host}",
            f"Check the address {stop.seen.hop.address} and the network of {_from(stop)}; "
            "a private address needs ssh.proxy.",
        )


@rule("KF205", name="closed-early", title="A server closes the connection before SSH begins")
def closed_early(facts: Facts) -> Iterator[Hit]:
    """
    The connection was taken and closed before the SSH banner, or before the key exchange ended. sshd does so
    when there are too many logins at once (MaxStartups, PerSourceMaxStartups), when it punishes an address
    for earlier failures (PerSourcePenalties, OpenSSH 9.8 and later), or at its start. fail2ban, a rate limit
    (`ufw limit ssh`) or a proxy in between look the same.

    ## Fix
    Wait a few minutes and try again. If it stays: `sudo journalctl -u ssh -u sshd` names the reason ("past
    MaxStartups", "penalty"). Then `MaxStartups 30:30:100` (Kamal opens one login a host, all at once), or
    `PerSourcePenaltyExemptList` with the deploying machine's address.

    ## See it by hand
    `nc HOST PORT` shows, in place of the banner, `Exceeded MaxStartups` (OpenSSH up to 9.7) or `Not allowed at this
    time` (from 9.8, for MaxStartups and for penalties alike).
    """
    for stop in facts.stops(Stage.REACH, Cause.CLOSED_EARLY):
        said = stop.seen.heard.before_banner
        yield hit(
            stop,
            f"{stop.seen.hop.host} closes the connection before SSH begins" + (f' ("{said[-1]}")' if said else ""),
            "Wait a few minutes and try again; if it stays, the server's own log names the limit.",
            causes=tuple(logins.at_once(" ".join(said))),
            commands=(logins.log("MaxStartups|penalty|drop", 10),),
        )


@rule("KF206", name="not-ssh", title="What listens there does not speak SSH")
def not_ssh(facts: Facts) -> Iterator[Hit]:
    """
    The port answers with something that is not SSH: a web server, a load balancer, a captive portal.

    ## Fix
    Correct the port in deploy.yml.

    ## See it by hand
    `nc HOST PORT` shows what it says; an SSH server begins with `SSH-2.0-`.
    """
    for stop in facts.stops(Stage.REACH, Cause.NOT_SSH):
        yield hit(
            stop,
            f"what listens on {_at(stop)} does not speak SSH",
            f"Correct the port of {stop.seen.hop.host} in deploy.yml.",
        )


@rule("KF208", name="proxy-command-failed", title="The proxy command brings no SSH connection")
def proxy_command_failed(facts: Facts) -> Iterator[Hit]:
    """
    `ssh.proxy_command` (or ProxyCommand in ssh_config) was started, and no SSH server answered through it:
    the program is missing, it failed, or it opens a shell in place of a connection (`aws ssm start-session`
    without `--document-name AWS-StartSSHSession`).

    ## Fix
    Read what the command itself said, above. Run it by hand: the first line must begin with `SSH-2.0-`.

    ## See it by hand
    The command from deploy.yml with `%h` and `%p` filled in.
    """
    for stop in facts.stops(Stage.REACH, Cause.PROXY_COMMAND):
        command = stop.seen.hop.proxy_command
        a_shell = any(SESSION_SHELL in text for text in (*stop.seen.heard.before_banner, stop.observation.detail))
        yield hit(
            stop,
            f"the proxy command to {stop.seen.hop.host} brings no SSH connection"
            + (": Session Manager opened a shell" if a_shell else ""),
            f"Add {_SESSION_DOCUMENT} to the command: without it, Session Manager opens a shell."
            if a_shell
            else "Run the command by hand: its first line must begin with SSH-2.0-.",
            why=f"It said: {stop.observation.detail}" if stop.observation.detail else "",
            commands=(command.value,) if command else (),
        )


@rule("KF230", name="slow", title="A stage takes longer than ten seconds", severity=Severity.NOTICE)
def slow(facts: Facts) -> Iterator[Hit]:
    """
    Kamal gives all forwards together 30 seconds. A stage that takes more than ten of them leaves little for a
    bad day: a name server that times out (UseDNS), a slow PAM module, a far-away network.

    ## Fix
    See which stage it is. For a slow login: `UseDNS no` on the server, and its PAM modules.

    ## See it by hand
    `time ssh HOST true`
    """
    for seen, affects in facts.hops():
        for stage in seen.stages:
            if stage.ms > SLOW_MS and stage.cause is None:
                yield Hit(
                    message=f"{stage.stage} on {seen.hop.host} took {stage.ms / 1000:.0f} s of Kamal's 30",
                    hop=seen.hop,
                    affects=affects,
                    location=seen.hop.origin,
                    fix=Fix("Find out what is slow there: UseDNS, PAM, the network."),
                )
