"""KF7xx: it works today, and not for long, or too openly; or the forward works, and Kamal's next step will not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kamal_forward_check.model import Beside, Certainty, Fix, Role, Severity
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.refusals import line_fix
from kamal_forward_check.rules.registry import Hit, rule
from kamal_forward_check.sshd import advice, effective, exposed, wire


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


@rule("KF710", name="no-commands", title="The forward works, and a login runs no commands", severity=Severity.WARNING)
def no_commands(facts: Facts) -> Iterator[Hit]:
    """
    The target grants the forward, which needs no shell. Kamal's next step does: it logs in and runs `docker pull`. A
    login there runs something else, or nothing: `ForceCommand`, a `command` of the key, a shell such as nologin,
    `MaxSessions 0`.

    ## Fix
    Let the user that Kamal logs in as run commands: a shell in /etc/passwd, a key without `command`, no ForceCommand,
    MaxSessions 10. A forced command that runs `$SSH_ORIGINAL_COMMAND` is fine: then ignore this finding.

    ## See it by hand
    `ssh HOST docker version`, as that user.
    """
    for _, seen in facts.granted():
        if seen.no_commands and not seen.stopped:
            hop = seen.hop
            key = wire.key_options(seen.heard.debug)
            if key and key.command:
                message = f"the key of {hop.user} on {hop.host} runs a command of its own in place of Kamal's"
            else:
                message = f"a login as {hop.user} on {hop.host} runs no commands: {seen.no_commands}"
            yield Hit(
                message=message,
                hop=hop,
                affects=(hop.host.value,),
                location=hop.origin,
                fix=Fix(f"Let {hop.user} run commands on {hop.host}: ssh {hop.host} docker version has to answer."),
                why="The forward is fine. Kamal's own commands (docker pull ...) come by a login like this one. Where "
                "a forced command runs $SSH_ORIGINAL_COMMAND they get through: then ignore KF710.",
                evidence=(seen.no_commands,),
                same=(hop.user.value, seen.no_commands),
            )


@rule("KF711", name="no-docker", title="There is no docker on the target's PATH", severity=Severity.WARNING)
def no_docker(facts: Facts) -> Iterator[Hit]:
    """
    A login on the target finds no program `docker`, and Kamal's `docker pull` would not either. `kamal setup` (`kamal
    server bootstrap`) installs it, as root or by sudo; before that this is as it should be.

    ## Fix
    `kamal server bootstrap`, or install Docker. Where it is installed, the PATH of a login without a terminal lacks
    it: see `~/.bashrc`, /etc/environment.

    ## See it by hand
    `ssh HOST 'command -v docker; echo "$PATH"'`
    """
    for _, seen in facts.granted():
        if Beside.NO_DOCKER in seen.beside:
            hop = seen.hop
            yield Hit(
                message=f"a login as {hop.user} on {hop.host} finds no docker",
                hop=hop,
                affects=(hop.host.value,),
                location=hop.origin,
                fix=Fix(f"Install Docker on {hop.host} (kamal server bootstrap), or put it on the login's PATH."),
                evidence=("on the host: command -v docker found nothing",),
                same=hop.user.value,
            )


@rule("KF712", name="docker-elsewhere", title="The target's rootless Docker has a loopback of its own",
      severity=Severity.WARNING)  # fmt: skip
def docker_elsewhere(facts: Facts) -> Iterator[Hit]:
    """
    The login's Docker is a rootless one, and its dockerd runs in a network namespace of its own: its `localhost` is
    not the host's, where the forward listens. `docker pull localhost:PORT/...` comes to nothing there.

    ## Fix
    Use the host's Docker, or run the rootless one in the host's network (RootlessKit's `--detach-netns`), or a remote
    registry.

    ## See it by hand
    `readlink /proc/self/ns/net /proc/$(cat /run/user/$(id -u)/docker.pid)/ns/net` prints two names that differ.
    """
    for _, seen in facts.granted():
        if Beside.DOCKER_ELSEWHERE in seen.beside:
            hop = seen.hop
            yield Hit(
                message=f"the rootless Docker of {hop.user} on {hop.host} does not see the host's localhost",
                hop=hop,
                affects=(hop.host.value,),
                location=hop.origin,
                fix=Fix(
                    f"Let Docker on {hop.host} share the host's network (RootlessKit's --detach-netns), or use one "
                    "that is not rootless."
                ),
                evidence=("on the host: the network namespaces of the login and of its dockerd differ",),
                same=hop.user.value,
            )


@rule("KF720", name="idle-connections-end", title="sshd ends connections that a forward leaves idle",
      severity=Severity.WARNING)  # fmt: skip
def idle_connections_end(facts: Facts) -> Iterator[Hit]:
    """
    On a target, `UnusedConnectionTimeout` (OpenSSH 9.2) ends a connection without an open channel, and a forward that
    waits is none: until the first pull, and between pulls, it may go, and Kamal does not open it again. On a jump,
    `ChannelTimeout` for direct-tcpip ends an idle way to the target in the same manner.

    ## Fix
    `UnusedConnectionTimeout none`, in a Match block for Kamal's user; without direct-tcpip in ChannelTimeout.

    ## See it by hand
    `sudo sshd -T -C user=USER,... | grep -i timeout` on the host.
    """
    for seen, affects in facts.hops():
        holds = effective.read(seen.host_said)
        if holds and (found := _idle_limit(seen.hop.role, holds.values)):
            keyword, value, better = found
            line = advice.server_line(seen.hop.host.value, holds.deciding(keyword), better)
            what = "a forward" if seen.hop.role is Role.TARGET else "a way through it"
            unit = " s" if value.isdigit() else ""
            yield Hit(
                message=f"{seen.hop.host} ends {what} that is not in use ({keyword} {value}{unit})",
                hop=seen.hop,
                affects=affects,
                location=seen.hop.origin,
                server_line=line,
                fix=line_fix(seen, (line,)),
                evidence=(f"its own sshd -T says {keyword.lower()} {value}",),
                same=(line.file, line.line, line.current),
            )


def _idle_limit(role: Role, values: Mapping[str, str]) -> tuple[str, str, str] | None:
    """(keyword, value, the value that does no harm) where sshd ends what a hop of `role` leaves idle."""
    if role is Role.TARGET:
        value = values.get("unusedconnectiontimeout", "none")
        return ("UnusedConnectionTimeout", value, "none") if value not in ("none", "0") else None
    value = values.get("channeltimeout", "none")
    limits = value.split()
    others = [limit for limit in limits if limit.partition("=")[0] not in ("direct-tcpip", "*", "global")]
    return ("ChannelTimeout", value, " ".join(others) or "none") if value != "none" and others != limits else None


@rule("KF730", name="too-many-at-once", title="Kamal dials a jump more often at once than it admits",
      severity=Severity.NOTICE)  # fmt: skip
def too_many_at_once(facts: Facts) -> Iterator[Hit]:
    """
    Kamal starts one ssh for every host, all at once, and each dials the jump anew. From as many unfinished logins on
    as the first number of `MaxStartups` says, sshd drops some of them by chance; the deploy fails now and then.
    This check dials each jump once, and so does not see it.

    ## Fix
    `MaxStartups 30:50:100`, or more than the number of hosts; then `sudo sshd -t`, and reload.

    ## See it by hand
    `sudo sshd -T | grep -i maxstartups`; the log says "past MaxStartups".
    """
    for seen, affects in facts.hops():
        holds = effective.read(seen.host_said)
        limits = re.match(r"(\d{1,9}):", holds.values.get("maxstartups", "")) if holds else None
        if holds and limits and seen.hop.role is Role.JUMP and len(affects) > int(limits[1]):
            value = holds.values["maxstartups"]
            yield Hit(
                message=f"Kamal dials the jump {seen.hop.host} {len(affects)} times at once, and it is sure to admit "
                f"{limits[1]} (MaxStartups {value})",
                hop=seen.hop,
                affects=affects,
                location=seen.hop.origin,
                fix=Fix(f"Set MaxStartups on {seen.hop.host} to more than {len(affects)}, sshd -t, reload."),
                evidence=(f"its own sshd -T says maxstartups {value}",),
            )
