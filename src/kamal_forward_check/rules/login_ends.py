"""KF3xx, continued: a login that does not come to its end."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Cause, Role, Stage
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.login import hit
from kamal_forward_check.rules.registry import Hit, rule
from kamal_forward_check.sshd import candidates, logins


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
        yield hit(
            stop,
            f"{hop.host} takes the key of {hop.user}, and asks for more",
            f"On {hop.host}, let {hop.user} log in with a key alone (AuthenticationMethods).",
            why=f"It still asks for {' or '.join(methods)}." if (methods := stop.seen.login.methods) else "",
            commands=(candidates.locate(stop.seen, "AuthenticationMethods"),),
        )


@rule("KF304", name="too-many-keys", title="Too many keys are offered before the right one")
def too_many_keys(facts: Facts) -> Iterator[Hit]:
    """
    Every key that the agent holds costs one of the server's MaxAuthTries (6 by default). The server hung up
    before the right one was tried. Keys of the agent go first; those of files come after them.

    ## Fix
    For targets: `ssh.keys` with `keys_only: true`. For a jump: `IdentitiesOnly yes` with IdentityFile in
    ssh_config. Or put fewer keys in the agent.

    ## See it by hand
    `ssh-add -l` counts them; `ssh -v` says `Too many authentication failures`.
    """
    for stop in facts.stops(Stage.LOGIN, Cause.TOO_MANY_FAILURES):
        hop = stop.seen.hop
        setting = "ssh.keys with keys_only: true" if hop.role is Role.TARGET else "IdentitiesOnly yes in ssh_config"
        tried = len(stop.seen.login.offered)
        yield hit(
            stop,
            f"{hop.host} hangs up before the right key is offered",
            f"Offer fewer keys: {setting}, or fewer keys in the agent.",
            why=f"It hung up after {tried} keys." if tried > 1 else "",
            commands=("ssh-add -l   # on the deploying machine", candidates.settle(stop.seen, "MaxAuthTries")),
        )


@rule("KF305", name="login-cut", title="The connection ends during the login")
def login_cut(facts: Facts) -> Iterator[Hit]:
    """
    The server hung up without a word. In the middle of the login: an account that PAM shuts out (expired,
    `/etc/nologin`), a login that took longer than LoginGraceTime, RefuseConnection, or a middlebox. Right after it:
    a ChrootDirectory with wrong owners, `PermitRootLogin forced-commands-only`, or PAM.

    ## Fix
    The server's log names the reason. A chroot's folders must be root's, from `/` on, and writable by nobody else.

    ## See it by hand
    `sudo journalctl -u ssh -u sshd --since -5min` on the host: `bad ownership or modes for chroot directory`, `ROOT
    LOGIN REFUSED`, `Access denied for user by PAM account configuration`, `Timeout before authentication`.
    """
    for stage in (Stage.HOST_KEY, Stage.LOGIN):
        for stop in facts.stops(stage, Cause.LOST, Cause.CLOSED_EARLY):
            hop = stop.seen.hop
            when = "right after" if stop.seen.opened_by else "during"
            yield hit(
                stop,
                f"{hop.host} ends the connection {when} the login of {hop.user}",
                f"See why in the log of {hop.host}: sudo journalctl -u ssh -u sshd --since -5min",
                causes=tuple(logins.ended(stop.seen)) if stage is Stage.LOGIN else (),
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
            yield hit(
                stop,
                f"{hop.host} does not finish the login of {hop.user} in {stop.observation.ms / 1000:.0f} s",
                f"See in the log of {hop.host} what the login waits for: sudo journalctl -u ssh -u sshd --since -5min",
            )
