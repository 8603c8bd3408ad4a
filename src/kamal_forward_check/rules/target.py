"""KF5xx: a target lets us in, and refuses to listen."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Role
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.refusals import expired_hit, line_hit, open_hit, refused, reload_hit, root_lock_hit
from kamal_forward_check.rules.registry import Hit, rule
from kamal_forward_check.sshd.why import Why


@rule("KF501", name="target-key-forbids", title="The key on the target may not forward")
def target_key_forbids(facts: Facts) -> Iterator[Hit]:
    """
    The line of authorized_keys (or the certificate) that let us in takes port forwarding away: `restrict`, or
    `no-port-forwarding`. `permitlisten` does not give it back, and neither does sshd_config. Where a key stands in
    two lines, the first counts.

    ## Fix
    In that line: `restrict,port-forwarding` in place of `restrict`; or take `no-port-forwarding` out. A
    certificate has to be signed with `-O permit-port-forwarding`.

    ## See it by hand
    `ssh -v HOST true` prints `Remote: FILE:LINE: key options:` without `port-forwarding`.
    """
    for found in refused(facts, Role.TARGET, Why.KEY):
        yield line_hit(found)


@rule("KF502", name="target-root-locked", title="The target's image locks root out: log in as its own user")
def target_root_locked(facts: Facts) -> Iterator[Hit]:
    """
    Kamal logs in as root, and root's key on the target does nothing but run a command, and may not forward. Cloud
    images (Ubuntu's and Debian's, on AWS and elsewhere) write such a line, to tell which user to log in as.

    ## Fix
    Set `ssh.user` in deploy.yml to that user: `ubuntu`, `debian`, `admin`, `ec2-user`, as `ssh root@HOST` says; it
    has to be in the group `docker`. Leave root's line as it is: it is the image's own, and written anew.

    ## See it by hand
    `ssh root@HOST` says `Please login as the user …`.
    """
    for found in refused(facts, Role.TARGET, Why.ROOT_LOCK):
        yield root_lock_hit(found, "Set ssh.user in deploy.yml to the login user of the host's image")


@rule("KF510", name="target-forwarding-off", title="The target does not forward TCP")
def target_forwarding_off(facts: Facts) -> Iterator[Hit]:
    """
    The target's `AllowTcpForwarding` is `no`, or `local`. Kamal's forward is a remote one: the server listens,
    which is the `remote` direction (sshd_config(5), RFC 4254 §7.1).

    ## Fix
    `no` becomes `remote`, the least that Kamal needs; `local` becomes `yes`; in the very line that decides.
    sshd takes the first value that it reads: a line appended to the end of the file often changes nothing, or
    falls into a Match block. A file of a compliance tool (`00-complianceascode-hardening.conf`) is written
    anew at its next run: allow it there. Then `sudo sshd -t`, and reload.

    ## See it by hand
    `ssh -o ExitOnForwardFailure=yes -R 127.0.0.1:5555:localhost:5555 HOST true`; with `-v`, sshd says
    `Server has disabled port forwarding.`
    """
    for found in refused(facts, Role.TARGET, Why.OFF):
        yield line_hit(found)


@rule("KF511", name="target-forwarding-disabled", title="The target disables all forwarding")
def target_forwarding_disabled(facts: Facts) -> Iterator[Hit]:
    """
    `DisableForwarding yes` is set for this login. It beats `AllowTcpForwarding yes`, wherever that stands.
    Newer hardening guides ask for it, and people then change AllowTcpForwarding alone.

    ## Fix
    `DisableForwarding no` in the line that decides; and where AllowTcpForwarding forbids as well, both lines
    together. Then `sudo sshd -t`, and reload.

    ## See it by hand
    `sudo sshd -T -C user=USER,host=H,addr=A | grep -i disableforwarding`
    """
    for found in refused(facts, Role.TARGET, Why.DISABLED):
        yield line_hit(found)


@rule("KF512", name="target-permitlisten", title="The target's PermitListen does not list 127.0.0.1 and the port")
def target_permitlisten(facts: Facts) -> Iterator[Hit]:
    """
    The target forwards, but listens only on what `PermitListen` lists. It compares text with text, and Kamal
    asks for `127.0.0.1`: `localhost:5555` does not match. That is why `ssh -R 5555:localhost:5555` may work by
    hand where Kamal fails: it asks for `localhost`.

    ## Fix
    Add `127.0.0.1:PORT` to the line that decides. One line holds all values; a second line is not read.

    ## See it by hand
    The target's log has `Received request to remote forward … but the request was denied`.
    """
    for found in refused(facts, Role.TARGET, Why.LIST):
        yield line_hit(found)


@rule("KF513", name="target-key-permitlisten", title="The key on the target may not listen on the port")
def target_key_permitlisten(facts: Facts) -> Iterator[Hit]:
    """
    The line of authorized_keys that let us in has `permitlisten`, without `127.0.0.1:PORT`. Text is compared
    with text: `localhost:5555` does not match.

    ## Fix
    Add `permitlisten="127.0.0.1:PORT"` to that line.

    ## See it by hand
    `ssh -v HOST true` prints `key options:` with `permitlisten`.
    """
    for found in refused(facts, Role.TARGET, Why.KEY_LIST):
        yield line_hit(found)


@rule("KF514", name="target-password-expired", title="The user's password on the target has expired")
def target_password_expired(facts: Facts) -> Iterator[Hit]:
    """
    The key is fine, and the user's password has expired (a new machine whose provider set one, `chage -d 0`).
    Until it is changed, PAM withholds all forwards and all commands.

    ## Fix
    Log in by hand and set a password; or, for a user that logs in with keys alone:
    `sudo chage -d $(date +%F) -M -1 USER`.

    ## See it by hand
    `ssh HOST true` says `WARNING: Your password has expired.`
    """
    for found in refused(facts, Role.TARGET, Why.EXPIRED):
        yield expired_hit(found)


@rule("KF518", name="target-not-as-on-disk", title="The target refuses what its files allow")
def target_not_as_on_disk(facts: Facts) -> Iterator[Hit]:
    """
    The target's own sshd reads its files and finds the forward allowed, and the running one refuses it. The
    files were edited and not reloaded, or another daemon with other files serves this port.

    ## Fix
    `sudo sshd -t`, reload, and check again.

    ## See it by hand
    `ps -eo lstart,args | grep '[s]shd'`, beside the files' dates.
    """
    for found in refused(facts, Role.TARGET, Why.NOT_ON_DISK):
        yield reload_hit(found, f"Reload sshd on {found.stop.seen.hop.host}, and check again.")


@rule("KF519", name="target-refuses", title="The target refuses the forward, for a reason that it does not tell")
def target_refuses(facts: Facts) -> Iterator[Hit]:
    """
    The target said no, and neither the wire nor the host itself says by which setting. The candidates are
    ranked, each with the command that settles it. Servers other than OpenSSH never give a reason.

    ## Fix
    Run the commands on the target, in an SSH session that came the same way.

    ## See it by hand
    `ssh -v -R 127.0.0.1:5555:localhost:5555 HOST true`
    """
    for found in refused(facts, Role.TARGET, Why.UNDECIDED):
        yield open_hit(found, "Run the first candidate's command on the target: it settles which line to change.")


@rule("KF520", name="port-in-use", title="Another program holds the port on the target")
def port_in_use(facts: Facts) -> Iterator[Hit]:
    """
    sshd may listen, and could not: something on the target holds the port already. A container that publishes
    it, a registry, a tool's default port. A listener on `0.0.0.0` holds it as well.

    ## Fix
    Stop that program, or choose another port in `registry.server` (then also run `kamal registry remove` on
    the deploying machine: the registry's container keeps its old port).

    ## See it by hand
    `sudo ss -ltnp 'sport = :5555'` on the target; of a container, `sudo docker ps --filter publish=5555`.
    """
    for found in refused(facts, Role.TARGET, Why.PORT_TAKEN):
        host, port, holder = found.stop.seen.hop.host, found.asked[0].port, found.refusal.holder
        docker = (f"sudo docker ps --filter publish={port}",) if "container" in holder else ()
        yield open_hit(
            found,
            f"Stop what holds port {port} on {host}, or choose another port in registry.server.",
            why=f"Held by {holder}.",
            commands=(*docker, f"sudo ss -ltnp 'sport = :{port}'"),
        )


@rule("KF521", name="another-forward-is-up", title="Another forward of this login holds the port")
def another_forward_is_up(facts: Facts) -> Iterator[Hit]:
    """
    The port is held by another SSH session of the very user that Kamal logs in as: a deploy under way,
    another check, or the forward of a deploy whose machine vanished. It was asked for again until Kamal's
    30 seconds were over.

    ## Fix
    Wait for the other deploy; give the workflows a common `concurrency:` group. Where the other side is gone,
    sshd frees the port only when it notices: `ClientAliveInterval 15` and `ClientAliveCountMax 3` on the target.

    ## See it by hand
    `sudo ss -ltnp 'sport = :5555'` on the target shows sshd.
    """
    for found in refused(facts, Role.TARGET, Why.OWN_FORWARD):
        yield open_hit(
            found,
            "Wait for the other deploy to end; if none runs, end that SSH session on the host.",
            why=f"Another forward of {found.stop.seen.hop.user} is up: {found.refusal.holder}.",
            commands=(f"sudo ss -ltnp 'sport = :{found.asked[0].port}'",),
        )


@rule("KF522", name="privileged-port", title="The port is below 1024, and the user is not root")
def privileged_port(facts: Facts) -> Iterator[Hit]:
    """
    Only root may listen on a port below 1024, and sshd listens as the user that logged in.

    ## Fix
    Choose a port from 1024 up in `registry.server`.

    ## See it by hand
    The target's log has `bind … Permission denied`.
    """
    for found in refused(facts, Role.TARGET, Why.PRIVILEGED):
        yield open_hit(found, "Choose a port from 1024 up in registry.server.", why="Only root may listen below 1024.")


@rule("KF523", name="cannot-bind", title="The target may listen, and can't")
def cannot_bind(facts: Facts) -> Iterator[Hit]:
    """
    sshd allows the forward, and could not bind the address: the port is held by something that this login
    can't see, SELinux or AppArmor forbids it, the host has no address 127.0.0.1, or sshd no IPv4.

    ## Fix
    Run the candidates' commands on the target. `AddressFamily inet6` becomes `any`, and then sshd is restarted.

    ## See it by hand
    The target's log has `cannot listen to port`.
    """
    for found in refused(facts, Role.TARGET, Why.CANNOT_BIND):
        yield open_hit(found, f"Find out on {found.stop.seen.hop.host} why port {found.asked[0].port} can't be bound.")
    for found in refused(facts, Role.TARGET, Why.FAMILY):
        yield line_hit(found)
    for found in refused(facts, Role.TARGET, Why.NO_LOOPBACK):
        yield open_hit(
            found,
            f"Give {found.stop.seen.hop.host} its loopback address back.",
            why="Its kernel has no address 127.0.0.1, so nothing can listen there.",
            commands=("sudo ip addr add 127.0.0.1/8 dev lo && sudo ip link set lo up",),
        )
