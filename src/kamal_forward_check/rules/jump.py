"""KF4xx: a jump lets us in, and refuses to forward."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Role
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.refusals import expired_hit, line_hit, open_hit, refused, reload_hit, root_lock_hit
from kamal_forward_check.rules.registry import Hit, rule
from kamal_forward_check.sshd.why import Why


@rule("KF401", name="jump-key-forbids", title="The key on the jump may not forward")
def jump_key_forbids(facts: Facts) -> Iterator[Hit]:
    """
    The line of authorized_keys (or the certificate) that let us into the jump takes port forwarding away:
    `restrict`, or `no-port-forwarding`. sshd_config can't give it back.

    ## Fix
    In that line: `restrict,port-forwarding` in place of `restrict`; or take `no-port-forwarding` out. A
    certificate has to be signed with `-O permit-port-forwarding`.

    ## See it by hand
    `ssh -v JUMP true` prints `Remote: FILE:LINE: key options:` without `port-forwarding`.
    """
    for found in refused(facts, Role.JUMP, Why.KEY):
        yield line_hit(found)


@rule("KF402", name="jump-root-locked", title="The jump's image locks root out: log in as its own user")
def jump_root_locked(facts: Facts) -> Iterator[Hit]:
    """
    Kamal's jump is entered as root (a proxy without a user is root's), and root's key there does nothing but run a
    command, and may not forward. Cloud images write such a line, to tell which user to log in as.

    ## Fix
    Name that user in `ssh.proxy`: `ubuntu@JUMP`, `debian@JUMP`, `ec2-user@JUMP`, as `ssh root@JUMP` says. Leave root's
    line as it is.

    ## See it by hand
    `ssh root@JUMP` says `Please login as the user …`.
    """
    for found in refused(facts, Role.JUMP, Why.ROOT_LOCK):
        yield root_lock_hit(found, "Name the login user of the jump's image in ssh.proxy")


@rule("KF410", name="jump-forwarding-off", title="The jump does not forward TCP")
def jump_forwarding_off(facts: Facts) -> Iterator[Hit]:
    """
    The jump's `AllowTcpForwarding` is `no`, or `remote`. A jump must open connections, which is the `local`
    direction (sshd_config(5)).

    ## Fix
    `no` becomes `local`; `remote` becomes `yes`; in the very line that decides. sshd takes the first value
    that it reads: a line appended to the end of the file often changes nothing, or falls into a Match block.
    Then `sudo sshd -t`, and reload.

    ## See it by hand
    `ssh -W TARGET:22 JUMP` says `administratively prohibited`.
    """
    for found in refused(facts, Role.JUMP, Why.OFF):
        yield line_hit(found)


@rule("KF411", name="jump-forwarding-disabled", title="The jump disables all forwarding")
def jump_forwarding_disabled(facts: Facts) -> Iterator[Hit]:
    """
    `DisableForwarding yes` is set for this login. It beats `AllowTcpForwarding yes`, wherever that stands.
    Newer hardening guides ask for it.

    ## Fix
    `DisableForwarding no` in the line that decides; and where AllowTcpForwarding forbids as well, both lines
    together. Then `sudo sshd -t`, and reload.

    ## See it by hand
    `sudo sshd -T -C user=USER,host=H,addr=A | grep -i disableforwarding`
    """
    for found in refused(facts, Role.JUMP, Why.DISABLED):
        yield line_hit(found)


@rule("KF412", name="jump-permitopen", title="The jump's PermitOpen does not list the next hop")
def jump_permitopen(facts: Facts) -> Iterator[Hit]:
    """
    The jump forwards, but only to what `PermitOpen` lists. It compares text with text: a name does not stand
    for its address, and there are no patterns but `*` for the whole host or port.

    ## Fix
    Add the next hop as Kamal spells it, `host:port`, to the line that decides.

    ## See it by hand
    The jump's log has `Received request to connect to host … but the request was denied`.
    """
    for found in refused(facts, Role.JUMP, Why.LIST):
        yield line_hit(found)


@rule("KF413", name="jump-key-permitopen", title="The key on the jump may not forward to the next hop")
def jump_key_permitopen(facts: Facts) -> Iterator[Hit]:
    """
    The line of authorized_keys that let us into the jump has `permitopen`, without the next hop. Text is
    compared with text.

    ## Fix
    Add `permitopen="HOST:PORT"`, as Kamal spells the next hop, to that line.

    ## See it by hand
    `ssh -v JUMP true` prints `key options:` with `permitopen`.
    """
    for found in refused(facts, Role.JUMP, Why.KEY_LIST):
        yield line_hit(found)


@rule("KF414", name="jump-password-expired", title="The user's password on the jump has expired")
def jump_password_expired(facts: Facts) -> Iterator[Hit]:
    """
    The key is fine, and the user's password on the jump has expired. Until it is changed, PAM withholds all
    forwards and all commands.

    ## Fix
    Log in by hand and set a password; or, for a user that logs in with keys alone:
    `sudo chage -d $(date +%F) -M -1 USER`.

    ## See it by hand
    `ssh JUMP true` says `WARNING: Your password has expired.`
    """
    for found in refused(facts, Role.JUMP, Why.EXPIRED):
        yield expired_hit(found)


@rule("KF418", name="jump-not-as-on-disk", title="The jump refuses what its files allow")
def jump_not_as_on_disk(facts: Facts) -> Iterator[Hit]:
    """
    The jump's own sshd reads its files and finds forwarding allowed, and the running one refuses it. The
    files were edited and not reloaded, or another daemon with other files serves this port.

    ## Fix
    `sudo sshd -t`, reload, and check again.

    ## See it by hand
    `ps -eo lstart,args | grep '[s]shd'`, beside the files' dates.
    """
    for found in refused(facts, Role.JUMP, Why.NOT_ON_DISK):
        yield reload_hit(found, "Reload sshd on the jump, and check again.")


@rule("KF419", name="jump-refuses", title="The jump refuses to forward, for a reason that it does not tell")
def jump_refuses(facts: Facts) -> Iterator[Hit]:
    """
    The jump forbids the connection (it did not try it), and neither the wire nor the host itself says by
    which setting. The candidates are ranked, each with the command that settles it.

    ## Fix
    Run the commands on the jump, in an SSH session that came the same way.

    ## See it by hand
    `ssh -W TARGET:22 JUMP` says `administratively prohibited`.
    """
    for found in refused(facts, Role.JUMP, Why.UNDECIDED):
        yield open_hit(found, "Run the first candidate's command on the jump: it settles which line to change.")
