"""KF3xx: logging in."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Candidate, Cause, Fix, Role, Severity, Stage
from kamal_forward_check.rules.facts import Facts, Stop
from kamal_forward_check.rules.registry import Hit, rule


def _hit(stop: Stop, message: str, fix: str, *, why: str = "", candidates: tuple[Candidate, ...] = ()) -> Hit:
    hop = stop.seen.hop
    heard = stop.seen.heard
    return Hit(
        message=message,
        hop=hop,
        affects=stop.affects,
        location=hop.user.at or hop.origin,
        candidates=candidates,
        fix=Fix(fix),
        why=why,
        evidence=tuple(text for text in (stop.observation.detail, heard.disconnect, heard.version) if text),
        same=(hop.user.value, stop.observation.cause) if hop.role is Role.TARGET else None,
    )


def _candidates(stop: Stop) -> tuple[Candidate, ...]:
    """A refused key looks the same from outside, whatever the reason: the server's log tells."""
    user, host = stop.seen.hop.user, stop.seen.hop.host
    log = f"sudo journalctl -u ssh -u sshd --since -5min   # on {host}"
    return (
        Candidate("authorized_keys", f"{user}'s authorized_keys on {host} does not have the key", log),
        Candidate("AllowUsers", "AllowUsers, AllowGroups, DenyUsers or PermitRootLogin excludes the login", log),
        Candidate("StrictModes", "the home folder, .ssh or authorized_keys can be written by others", log),
    )


@rule("KF301", name="jump-login-refused", title="A jump refuses the login")
def jump_login_refused(facts: Facts) -> Iterator[Hit]:
    """
    Kamal dials the jump with the system's ssh, which knows nothing of `ssh.keys`, `ssh.key_data` and
    `keys_only`: those reach the targets only. The jump sees the keys of the agent, and those that ssh_config
    or ssh's own defaults name. A bare `ssh.proxy: host` logs in as root.

    ## Fix
    Put the jump's key in the agent (`ssh-add`, `webfactory/ssh-agent`), or name it with IdentityFile in
    ssh_config. Write `ssh.proxy: user@host`.

    ## See it by hand
    `ssh -o BatchMode=yes -l USER JUMP true`
    """
    for stop in facts.stops(Stage.LOGIN, Cause.LOGIN_REFUSED):
        hop = stop.seen.hop
        if hop.role is Role.JUMP:
            yield _hit(
                stop,
                f"the jump {hop.host} refuses the login of {hop.user}",
                "Put the jump's key in the agent (ssh-add) or in ssh_config (IdentityFile): "
                "ssh.keys of deploy.yml never reaches a jump.",
                why=f"The user {hop.user} comes from {hop.user.source}.",
                candidates=_candidates(stop),
            )


@rule("KF302", name="target-login-refused", title="A target refuses the login")
def target_login_refused(facts: Facts) -> Iterator[Hit]:
    """
    The target took none of the keys that Kamal's net-ssh offers, or does not let this user in. Without
    `ssh.user` Kamal logs in as root.

    ## Fix
    Check `ssh.user`, and that its authorized_keys on the host has the public key.

    ## See it by hand
    `ssh -o BatchMode=yes USER@HOST true`; on the host: `sudo journalctl -u ssh` names the reason.
    """
    for stop in facts.stops(Stage.LOGIN, Cause.LOGIN_REFUSED):
        hop = stop.seen.hop
        if hop.role is Role.TARGET:
            yield _hit(
                stop,
                f"{hop.host} refuses the login of {hop.user}",
                f"Check ssh.user ({hop.user}), and that its authorized_keys on {hop.host} has the key.",
                why=f"The user {hop.user} comes from {hop.user.source}.",
                candidates=_candidates(stop),
            )


@rule("KF303", name="login-unfinished", title="The server takes the key and asks for more")
def login_unfinished(facts: Facts) -> Iterator[Hit]:
    """
    The key was accepted, and the server wants a second proof (AuthenticationMethods). Kamal has nothing more
    to give.

    ## Fix
    On the server, let the deploy user log in with a key alone: `AuthenticationMethods publickey` in a
    `Match User` block.

    ## See it by hand
    `ssh -v USER@HOST true` says `Authenticated using "publickey" with partial success.`
    """
    for stop in facts.stops(Stage.LOGIN, Cause.LOGIN_PARTIAL):
        hop = stop.seen.hop
        yield _hit(
            stop,
            f"{hop.host} takes the key of {hop.user}, and asks for more",
            f"On {hop.host}, let {hop.user} log in with a key alone (AuthenticationMethods).",
        )


@rule("KF304", name="too-many-keys", title="Too many keys are offered before the right one")
def too_many_keys(facts: Facts) -> Iterator[Hit]:
    """
    Every key that the agent holds costs one of the server's MaxAuthTries (6 by default). The server hung up
    before the right one was tried.

    ## Fix
    For targets: `ssh.keys` with `keys_only: true`. For a jump: `IdentitiesOnly yes` with IdentityFile in
    ssh_config. Or put fewer keys in the agent.

    ## See it by hand
    `ssh-add -l` counts them; `ssh -v` says `Too many authentication failures`.
    """
    for stop in facts.stops(Stage.LOGIN, Cause.TOO_MANY_FAILURES):
        hop = stop.seen.hop
        setting = "ssh.keys with keys_only: true" if hop.role is Role.TARGET else "IdentitiesOnly yes in ssh_config"
        yield _hit(
            stop,
            f"{hop.host} hangs up before the right key is offered",
            f"Offer fewer keys: {setting}, or fewer keys in the agent.",
        )


@rule("KF305", name="login-cut", title="The connection ends during the login")
def login_cut(facts: Facts) -> Iterator[Hit]:
    """
    The server hung up in the middle of the login, or right after it, without a word: an account that PAM shuts
    out (expired, `/etc/nologin`), a ChrootDirectory with wrong owners, `PermitRootLogin forced-commands-only`,
    or a middlebox.

    ## Fix
    The server's log names the reason.

    ## See it by hand
    `sudo journalctl -u ssh --since -5min` on the host.
    """
    for stage in (Stage.HOST_KEY, Stage.LOGIN):
        for stop in facts.stops(stage, Cause.LOST, Cause.CLOSED_EARLY):
            hop = stop.seen.hop
            yield _hit(
                stop,
                f"{hop.host} ends the connection during the login of {hop.user}",
                f"See why in the log of {hop.host}: sudo journalctl -u ssh -u sshd --since -5min",
            )


@rule("KF306", name="login-slow", title="The login is not finished in time")
def login_slow(facts: Facts) -> Iterator[Hit]:
    """
    The server speaks SSH, and did not finish the login within the 30 s that Kamal waits: a name server that
    does not answer (UseDNS), a PAM module or an AuthorizedKeysCommand that hangs, a host without memory.

    ## Fix
    See in the server's log at which step it waits. `UseDNS no` ends the most frequent wait.

    ## See it by hand
    `time ssh -v USER@HOST true` stops at the step that hangs.
    """
    for stage in (Stage.HOST_KEY, Stage.LOGIN):
        for stop in facts.stops(stage, Cause.TIMED_OUT):
            hop = stop.seen.hop
            yield _hit(
                stop,
                f"{hop.host} does not finish the login of {hop.user} in {stop.observation.ms / 1000:.0f} s",
                f"See in the log of {hop.host} what the login waits for: sudo journalctl -u ssh -u sshd --since -5min",
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
