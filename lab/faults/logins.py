"""Logging in, and what a login is: accounts, shells, what sshd wants of a key."""

from __future__ import annotations

from lab.faults.registry import BOTH, NEITHER, TARGET, fault, files, line
from lab.host import NOLOGIN, File, Host

_FIRST = "/etc/ssh/sshd_config.d/01-login.conf"

line("user-not-allowed", BOTH, "AllowUsers somebody-else")
line("user-denied", BOTH, "DenyUsers deploy ops")
line("group-not-allowed", BOTH, "AllowGroups admins")
line("wants-two-keys", BOTH, "AuthenticationMethods publickey,publickey")
line("max-auth-tries", NEITHER, "MaxAuthTries 2")
line("chroot-unsafe", (TARGET,), "ChrootDirectory /tmp")  # anyone may write there: sshd ends the connection
line("key-type-refused", BOTH, "PubkeyAcceptedAlgorithms rsa-sha2-512,ecdsa-sha2-nistp256")

# What the main file's base lines have already, a drop-in says first.
files("wants-password-too", BOTH, {_FIRST: "PasswordAuthentication yes\nAuthenticationMethods publickey,password\n"})
files("no-public-keys", BOTH, {_FIRST: "PubkeyAuthentication no\nPasswordAuthentication yes\n"})
files("root-not-allowed", (TARGET,), {_FIRST: "PermitRootLogin no\n"})
files("root-forced-commands-only", (TARGET,), {_FIRST: "PermitRootLogin forced-commands-only\n"})


@fault("login-refused", BOTH)
def _login_refused(host: Host) -> None:
    """The key is not in the user's authorized_keys."""
    host.knows_key = False


@fault("account-locked", BOTH)
def _account_locked(host: Host) -> None:
    """The user's password is locked, which sshd without PAM minds."""
    host.password = "!"  # noqa: S105 - no password


@fault("account-expired", BOTH)
def _account_expired(host: Host) -> None:
    """The account has expired, which PAM minds."""
    host.account_expired = True


@fault("password-expired", BOTH)
def _password_expired(host: Host) -> None:
    """The user's password has expired: PAM lets the key in, and withholds forwards and commands."""
    host.password_expired = True


@fault("folder-writable", BOTH)
def _folder_writable(host: Host) -> None:
    """Everybody may write into the user's .ssh: StrictModes refuses its keys."""
    host.before.append(f"chmod 777 ~{host.login}/.ssh")


@fault("shell-missing", BOTH)
def _shell_missing(host: Host) -> None:
    """The user's shell does not exist: sshd refuses the login."""
    host.shell = "/usr/bin/no-such-shell"


@fault("nologin", NEITHER)
def _nologin(host: Host) -> None:
    """The user's shell is nologin: no command runs, forwards do."""
    host.shell = NOLOGIN


@fault("shell-kills", (TARGET,))
def _shell_kills(host: Host) -> None:
    """The user's shell ends the connection that it runs in: the forward stands until the first command."""
    host.shell = "/usr/local/bin/kills"
    host.files[host.shell] = File("#!/bin/sh\nkill -9 $PPID\n", 0o755)


def _slow_keys(host: Host, seconds: int) -> None:
    slow = "/usr/local/bin/slow-keys"
    script = f'mkdir /run/asked 2>/dev/null && sleep {seconds}\ncat "$1/.ssh/authorized_keys"'
    host.files[slow] = File(f"#!/bin/sh\n# slow when asked first\n{script}\n", 0o755)
    keys = ["AuthorizedKeysFile none", f"AuthorizedKeysCommand {slow} %h", "AuthorizedKeysCommandUser root"]
    host.blocks += [f"Match User {host.login}", *(f"    {text}" for text in keys)]


@fault("slow-login", NEITHER)
def _slow_login(host: Host) -> None:
    """The server looks the key up somewhere slow: a login takes eleven seconds, the first time."""
    _slow_keys(host, 11)


@fault("login-hangs", BOTH)
def _login_hangs(host: Host) -> None:
    """The server looks the key up somewhere that does not answer."""
    _slow_keys(host, 60)


@fault("login-cut", BOTH)
def _login_cut(host: Host) -> None:
    """The server gives a login one second, and takes longer itself: the connection ends in the middle."""
    host.main.append("LoginGraceTime 1")
    _slow_keys(host, 3)


@fault("no-tools", NEITHER)
def _no_tools(host: Host) -> None:
    """The host has no curl, wget, bash, python or perl."""
    host.shell = "/bin/sh"
    for tool in ("curl", "wget", "bash", "python3", "perl", "nc"):
        place = f'"$(readlink -f "$(command -v {tool})")"'
        host.before.append(f"if command -v {tool} >/dev/null; then mount --bind /dev/null {place}; fi")
