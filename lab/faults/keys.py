"""authorized_keys and certificates: what the key may do that lets the login in."""

from __future__ import annotations

from lab.faults.registry import BOTH, JUMP, NEITHER, TARGET, fault, key
from lab.host import File, Host, Trusted

key("key-restrict", BOTH, "restrict")
key("key-no-port-forwarding", BOTH, "no-port-forwarding,no-X11-forwarding")
key("key-capitals", BOTH, "No-Port-Forwarding")
key("key-restrict-permitlisten", BOTH, 'restrict,permitlisten="127.0.0.1:5555",permitopen="*:22"')
key("key-permitlisten-localhost", (TARGET,), 'permitlisten="localhost:5555"')
key("key-permitlisten-other", (TARGET,), 'permitlisten="127.0.0.1:5556",permitlisten="127.0.0.1:80"')
key("key-permitopen-other", (JUMP,), 'permitopen="10.9.9.9:22"')
key("key-permitopen-glob", (JUMP,), 'permitopen="web-*:22"')
key("key-restrict-port-forwarding", NEITHER, "restrict,port-forwarding")
key("key-least-of-all", NEITHER, 'restrict,port-forwarding,permitlisten="127.0.0.1:5555",permitopen="*:22"')
key("key-command", NEITHER, 'command="/bin/false"')
key("key-from-elsewhere", BOTH, 'from="10.9.9.9"')
key("key-expired", BOTH, 'expiry-time="20200101"')
key(
    "key-cloud-image", BOTH,
    "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
    'command="echo \'Please login as the user \\"deploy\\" rather than the user \\"root\\".\';echo;sleep 1;exit 142"',
)  # fmt: skip


@fault("key-twice", BOTH)
def _twice(host: Host) -> None:
    """The same key on two lines: sshd takes the first, which is restricted."""
    host.key_options = "restrict"
    host.key_again = True


@fault("key-and-config", BOTH)
def _key_and_config(host: Host) -> None:
    """The key may not forward, and sshd_config says AllowTcpForwarding no as well."""
    host.key_options = "restrict"
    host.main.append("AllowTcpForwarding no")


@fault("key-elsewhere", BOTH)
def _elsewhere(host: Host) -> None:
    """AuthorizedKeysFile names a file outside of the home, where the key is restricted."""
    host.main.append("AuthorizedKeysFile /etc/ssh/keys/%u")
    copy = f"sed 's/^ssh-/restrict ssh-/' ~{host.login}/.ssh/authorized_keys > /etc/ssh/keys/{host.login}"
    host.before += ["mkdir /etc/ssh/keys", copy, f"rm ~{host.login}/.ssh/authorized_keys"]


@fault("key-by-command", BOTH)
def _by_command(host: Host) -> None:
    """AuthorizedKeysCommand prints the key, restricted; the lines of its output are those of no file."""
    program = "/usr/local/bin/keys"
    output = "echo '# from the directory'; sed -n 's/^ssh-/restrict ssh-/p' \"$1\""
    host.files[program] = File(f"#!/bin/sh\n{output}\n", 0o755)
    host.main += ["AuthorizedKeysFile none", f"AuthorizedKeysCommand {program} %h/.ssh/authorized_keys"]
    host.main.append("AuthorizedKeysCommandUser root")


# A certificate is made with the deployer's home: `Lab.home(certificate=...)`.


@fault("certificate-trusted", NEITHER)
def _trusted(host: Host) -> None:
    """The key is in no authorized_keys: sshd trusts whom the lab's authority has signed (TrustedUserCAKeys)."""
    host.trusts = Trusted.BY_SSHD
    host.main.append("TrustedUserCAKeys /etc/ssh/authority.pub")


@fault("certificate-authority-line", NEITHER)
def _authority_line(host: Host) -> None:
    """authorized_keys trusts whom the lab's authority has signed: a cert-authority line."""
    host.trusts = Trusted.BY_USER


@fault("certificate-authority-restricted", BOTH)
def _authority_restricted(host: Host) -> None:
    """The cert-authority line of authorized_keys allows no forwards, whatever the certificate allows."""
    host.trusts = Trusted.BY_USER
    host.key_options = "restrict"
