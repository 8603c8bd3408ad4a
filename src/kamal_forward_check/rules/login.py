"""KF3xx: a login that the server refuses, and why the key did not open it."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Candidate, Cause, Fix, Role, Severity, Stage
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import Hit, rule
from kamal_forward_check.rules.stops import Stop
from kamal_forward_check.sshd import candidates, logins

_PUBLIC_KEY = "publickey"


def hit(
    stop: Stop,
    message: str,
    fix: str,
    *,
    why: str = "",
    causes: tuple[Candidate, ...] = (),
    commands: tuple[str, ...] = (),
) -> Hit:
    """The hit for a hop whose login failed: what was offered and heard, and what to do."""
    hop = stop.seen.hop
    return Hit(
        message=message,
        hop=hop,
        affects=stop.affects,
        location=hop.user.at or hop.origin,
        candidates=causes,
        fix=Fix(fix, commands=commands),
        why=why,
        evidence=tuple(_evidence(stop)),
        same=(hop.user.value, stop.observation.cause) if hop.role is Role.TARGET else None,
    )


def _evidence(stop: Stop) -> Iterator[str]:
    heard, login = stop.seen.heard, stop.seen.login
    yield from (text for text in (stop.observation.detail, heard.disconnect) if text)
    if login.offered:
        yield f"offered: {', '.join(login.offered)}"
    if login.methods:
        yield f"it takes: {_listed(login.methods)}"
    if login.banner:
        yield f"it says: {' '.join(login.banner.split())}"
    if heard.version:
        yield f"the server is {heard.version}"


def _listed(methods: tuple[str, ...]) -> str:
    return ", ".join(filter(None, methods)) or "nothing more"


def _refused(facts: Facts, role: Role) -> Iterator[Stop]:
    """The refusals of which no more is known than that none of the keys opened."""
    for stop in facts.stops(Stage.LOGIN, Cause.LOGIN_REFUSED):
        if stop.seen.hop.role is role and not _has_a_rule_of_its_own(stop):
            yield stop


def _has_a_rule_of_its_own(stop: Stop) -> bool:
    return _takes_no_keys(stop) or bool(stop.seen.login.unsigned or stop.seen.login.would_open)


def _takes_no_keys(stop: Stop) -> bool:
    login = stop.seen.login
    return bool(login.offered and login.methods) and _PUBLIC_KEY not in login.methods


@rule("KF301", name="jump-login-refused", title="A jump refuses the login")
def jump_login_refused(facts: Facts) -> Iterator[Hit]:
    """
    Kamal dials the jump with the system's ssh, which knows nothing of `ssh.keys`, `ssh.key_data` and
    `keys_only`: those reach the targets only. The jump sees the keys of the agent, and those that ssh_config
    or ssh's own defaults name. A bare `ssh.proxy: host` logs in as root.

    ## Fix
    Put the jump's key in the agent (`ssh-add`, `webfactory/ssh-agent`), or name it with IdentityFile in
    ssh_config. Write `ssh.proxy: user@host`. Where the key is there, the server's log names what is in its way.

    ## See it by hand
    `ssh -o BatchMode=yes -l USER JUMP true`; on the jump: `sudo journalctl -u ssh -u sshd --since -5min`
    """
    for stop in _refused(facts, Role.JUMP):
        hop = stop.seen.hop
        yield hit(
            stop,
            f"the jump {hop.host} refuses the login of {hop.user}",
            "Put the jump's key in the agent (ssh-add) or in ssh_config (IdentityFile): "
            "ssh.keys of deploy.yml never reaches a jump.",
            why=f"The user {hop.user} comes from {hop.user.source}.",
            causes=logins.refused(stop.seen),
            commands=(logins.log_of(stop.seen),),
        )


@rule("KF302", name="target-login-refused", title="A target refuses the login")
def target_login_refused(facts: Facts) -> Iterator[Hit]:
    """
    The target took none of the keys that Kamal's net-ssh offers, or does not let this user in. Without
    `ssh.user` Kamal logs in as root.

    ## Fix
    Check `ssh.user`, and that its authorized_keys on the host has the public key. From outside, every cause looks
    the same; the server's log names it.

    ## See it by hand
    `ssh -o BatchMode=yes USER@HOST true`; on the host: `sudo journalctl -u ssh` names the reason.
    """
    for stop in _refused(facts, Role.TARGET):
        hop = stop.seen.hop
        yield hit(
            stop,
            f"{hop.host} refuses the login of {hop.user}",
            f"Check ssh.user ({hop.user}), and that its authorized_keys on {hop.host} has the key.",
            why=f"The user {hop.user} comes from {hop.user.source}.",
            causes=logins.refused(stop.seen),
            commands=(logins.log_of(stop.seen),),
        )


@rule("KF307", name="no-login-by-key", title="A server takes no keys from this user")
def no_login_by_key(facts: Facts) -> Iterator[Hit]:
    """
    The server named the ways by which this user may log in, and a key is not among them: `PubkeyAuthentication no`,
    or AuthenticationMethods that begin with something else, for all or in a Match block. Kamal has keys alone.

    ## Fix
    Let the user log in by key: `PubkeyAuthentication yes`, and `AuthenticationMethods publickey` where that keyword
    is set. First value wins: change the line that decides.

    ## See it by hand
    `ssh -v -o PreferredAuthentications=none USER@HOST true 2>&1 | grep 'that can continue'`
    """
    for stop in facts.stops(Stage.LOGIN, Cause.LOGIN_REFUSED):
        if not _takes_no_keys(stop):
            continue
        hop = stop.seen.hop
        yield hit(
            stop,
            f"{hop.host} takes no keys from {hop.user}",
            f"On {hop.host}, let {hop.user} log in by key (PubkeyAuthentication, AuthenticationMethods).",
            why=f"It takes {_listed(stop.seen.login.methods)}.",
            commands=tuple(
                candidates.locate(stop.seen, keyword) for keyword in ("PubkeyAuthentication", "AuthenticationMethods")
            ),
        )


@rule("KF308", name="jump-key-in-deploy-yml", title="A jump's key is in deploy.yml alone, and never reaches it")
def jump_key_in_deploy_yml(facts: Facts) -> Iterator[Hit]:
    """
    The key that opens this jump is one of `ssh.keys` or `ssh.key_data`: it was tried, and opened. Kamal hands those
    to net-ssh, for the targets; the jump is dialled by the system's ssh, which gets no `-i`.

    ## Fix
    Name the key for the jump in ssh_config (`IdentityFile` below `Host JUMP`; Kamal reads `ssh.config` for it), or
    put it in the agent.

    ## See it by hand
    `ssh -o BatchMode=yes -l USER JUMP true` is refused; with `-i KEY` it is let in.
    """
    for stop in facts.stops(Stage.LOGIN, Cause.LOGIN_REFUSED):
        key, hop = stop.seen.login.would_open, stop.seen.hop
        if not key:
            continue
        yield hit(
            stop,
            f"the jump {hop.host} opens to {key}, which Kamal never offers it",
            f"Name the key for {hop.host} in ssh_config (IdentityFile), or put it in the agent (ssh-add).",
            why="ssh.keys and ssh.key_data reach the targets alone: Kamal dials a jump with the system's ssh.",
            commands=() if key.startswith("ssh.") else (f"ssh-add {key}   # on the deploying machine",),
        )


@rule("KF309", name="agent-does-not-sign", title="The agent holds the key, and does not sign with it")
def agent_does_not_sign(facts: Facts) -> Iterator[Hit]:
    """
    The server would take a key that the agent holds, and the agent refused to sign with it: it asks for a
    confirmation or a touch that did not come (`ssh-add -c`, a hardware key), it is locked, or its card is gone. ssh
    goes on to the next key; net-ssh stops there (`AgentError: agent could not sign data with requested identity`),
    even where a file holds the same key.

    ## Fix
    Have the agent sign: confirm, unlock it, plug the key in. Or take that key out of the agent (`ssh-add -d`), so
    that another is used.

    ## See it by hand
    `ssh-add -T KEY.pub` says whether the agent signs with a key.
    """
    for stop in facts.stops(Stage.LOGIN, Cause.UNSIGNED, Cause.LOGIN_REFUSED):
        login, hop = stop.seen.login, stop.seen.hop
        if stop.observation.cause is Cause.UNSIGNED or (login.unsigned and not _takes_no_keys(stop)):
            keys = ", ".join(name.removeprefix("agent: ") for name in login.unsigned)
            yield hit(
                stop,
                f"{hop.host} would take the agent's key {keys}, and the agent does not sign with it",
                "Have the agent sign (confirm, unlock it, plug the key in), or take that key out of it (ssh-add -d).",
                why="net-ssh stops there, whatever other keys there are." if hop.role is Role.TARGET else "",
                commands=("ssh-add -l",),
            )


@rule(
    "KF310",
    name="key-must-be-in-agent",
    title="A jump opened to a key that was given to this check",
    severity=Severity.NOTICE,
)
def key_must_be_in_agent(facts: Facts) -> Iterator[Hit]:
    """
    The key of `--identity` (or `ssh-private-key`) opened the jump, and none of the agent's did. Here it stands
    for a key in the deploying machine's agent: nothing in deploy.yml can bring it to a jump.

    ## Fix
    Have the key in the agent when `kamal deploy` runs: `webfactory/ssh-agent` in a workflow, `ssh-add`
    elsewhere.

    ## See it by hand
    `ssh-add -l` on the deploying machine.
    """
    for seen, affects in facts.hops():
        if seen.opened_by_identity and seen.hop.role is Role.JUMP:
            yield Hit(
                message=f"the jump {seen.hop.host} opened to the given key: the deploy needs it in its agent",
                hop=seen.hop,
                affects=affects,
                location=seen.hop.origin,
                fix=Fix("Have the key in the agent when kamal deploy runs: ssh-add, or webfactory/ssh-agent."),
            )
