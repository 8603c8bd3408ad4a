"""What can be wrong with a host, by name, each declared in one place.

A fault edits the Host that it is for. `stops` says on which role it stops Kamal's forward: the same line may be
harmless on a jump and fatal on a target, and some are set-ups that must not be called a failure at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.host import MAIN, File, Host, Pinned

JUMP, TARGET = "jump", "target"
BOTH, NEITHER = (JUMP, TARGET), ()

DROP_IN = "/etc/ssh/sshd_config.d/50-hardening.conf"
REGISTRY_PORT = 5555
ANYWHERE = "0.0.0.0"  # noqa: S104 - as docker does; in a namespace


@dataclass(frozen=True)
class Fault:
    """A fault: `apply` edits a host that is not started yet."""

    name: str
    about: str
    stops: tuple[str, ...]
    apply: Callable[[Host], None]


ALL: dict[str, Fault] = {}


def named(name: str) -> Fault:
    """The fault of this name. Raises KeyError with the names there are."""
    if name not in ALL:
        raise KeyError(f"no fault {name!r}; there are: {', '.join(sorted(ALL))}")
    return ALL[name]


def _fault(name: str, stops: tuple[str, ...]) -> Callable[[Callable[[Host], None]], Callable[[Host], None]]:
    """Declare the decorated function as a fault; its docstring says what it is about."""

    def declare(apply: Callable[[Host], None]) -> Callable[[Host], None]:
        ALL[name] = Fault(name, (apply.__doc__ or "").strip(), stops, apply)
        return apply

    return declare


def _line(name: str, stops: tuple[str, ...], *lines: str) -> None:
    """A fault that is lines of the main file."""
    ALL[name] = Fault(name, f"sshd_config says {' and '.join(lines)}", stops, lambda host: host.main.extend(lines))


def _key(name: str, stops: tuple[str, ...], options: str) -> None:
    """A fault that is options of the login's key."""
    ALL[name] = Fault(name, f"the key's line in authorized_keys says {options}", stops,
                      lambda host: setattr(host, "key_options", options))  # fmt: skip


# sshd_config, the main file

_line("allow-tcp-forwarding-no", BOTH, "AllowTcpForwarding no")
_line("allow-tcp-forwarding-local", (TARGET,), "AllowTcpForwarding local")
_line("allow-tcp-forwarding-remote", (JUMP,), "AllowTcpForwarding remote")
_line("disable-forwarding", BOTH, "AllowTcpForwarding yes", "DisableForwarding yes")
_line("disable-forwarding-and-allow-no", BOTH, "AllowTcpForwarding no", "DisableForwarding yes")
_line("permit-listen-none", (TARGET,), "PermitListen none")
_line("permit-listen-localhost", (TARGET,), "PermitListen localhost:5555")
_line("permit-listen-5556", (TARGET,), "PermitListen 5556")
_line("permit-listen-exact", NEITHER, "PermitListen 127.0.0.1:5555")
_line("permit-open-none", (JUMP,), "PermitOpen none")
_line("permit-open-other", (JUMP,), "PermitOpen 10.9.9.9:22")
_line("permit-open-port", NEITHER, "PermitOpen *:22")
_line("gateway-ports", NEITHER, "GatewayPorts yes")
_line("force-command", NEITHER, "ForceCommand /bin/false")
_line("max-sessions-none", NEITHER, "MaxSessions 0")
_line("user-not-allowed", BOTH, "AllowUsers somebody-else")
_line("wants-two-keys", BOTH, "AuthenticationMethods publickey,publickey")
_line("only-newest-algorithms", (TARGET,), "KexAlgorithms sntrup761x25519-sha512@openssh.com")
_line("only-curve25519", (TARGET,), "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org")
_line("only-chacha20", (TARGET,), "Ciphers chacha20-poly1305@openssh.com")
_line("only-umac", (TARGET,), "Ciphers aes256-gcm@openssh.com", "MACs umac-128-etm@openssh.com")
_line("max-auth-tries", NEITHER, "MaxAuthTries 2")
_line("chroot-unsafe", (TARGET,), "ChrootDirectory /tmp")  # anyone may write there: sshd ends the connection


# sshd_config, elsewhere


@_fault("allow-tcp-forwarding-no-dropin", BOTH)
def _dropin(host: Host) -> None:
    """A compliance tool's drop-in says AllowTcpForwarding no."""
    host.files[DROP_IN] = File("# Hardening\n# CIS 5.2.20\nAllowTcpForwarding no\nX11Forwarding no\n")


@_fault("allow-tcp-forwarding-no-two-lines", BOTH)
def _two_lines(host: Host) -> None:
    """A drop-in says AllowTcpForwarding no, the main file below it says yes, in vain."""
    _dropin(host)
    host.main.append("AllowTcpForwarding yes")


@_fault("allow-tcp-forwarding-no-match-user", BOTH)
def _match_user(host: Host) -> None:
    """AllowTcpForwarding yes for all, but a Match User block says no."""
    host.main.append("AllowTcpForwarding yes")
    host.blocks += [f"Match User {host.login}", "    X11Forwarding no", "    AllowTcpForwarding no"]


@_fault("allow-tcp-forwarding-no-match-include", BOTH)
def _match_include(host: Host) -> None:
    """AllowTcpForwarding yes for all, but a Match block in an included file says no."""
    host.main.append("AllowTcpForwarding yes")
    host.files["/etc/ssh/sshd_config.d/60-people.conf"] = File(f"Match User {host.login}\n  AllowTcpForwarding no\n")


@_fault("allow-tcp-forwarding-no-option", BOTH)
def _option(host: Host) -> None:
    """The daemon was started with -o AllowTcpForwarding=no; no file says so."""
    host.daemon += ["-o", "AllowTcpForwarding=no"]


@_fault("allow-tcp-forwarding-no-unreadable", BOTH)
def _unreadable(host: Host) -> None:
    """AllowTcpForwarding no in a main file that only root can read."""
    host.main.append("AllowTcpForwarding no")
    host.before.append(f"chmod 600 {MAIN}")


@_fault("allow-tcp-forwarding-no-loaded", BOTH)
def _loaded(host: Host) -> None:
    """The daemon runs with AllowTcpForwarding no; the file says yes by now, but sshd was not reloaded."""
    host.main.append("AllowTcpForwarding no")
    host.after.append(f"sed -i 's/^AllowTcpForwarding no/AllowTcpForwarding yes/' {MAIN}")


# authorized_keys

_key("key-restrict", BOTH, "restrict")
_key("key-no-port-forwarding", BOTH, "no-port-forwarding,no-X11-forwarding")
_key("key-permitlisten-localhost", (TARGET,), 'permitlisten="localhost:5555"')
_key("key-permitopen-other", (JUMP,), 'permitopen="10.9.9.9:22"')
_key("key-restrict-port-forwarding", NEITHER, "restrict,port-forwarding")
_key("key-command", NEITHER, 'command="/bin/false"')
_key(
    "key-cloud-image", BOTH,
    "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
    'command="echo \'Please login as the user \\"deploy\\" rather than the user \\"root\\".\';echo;sleep 1;exit 142"',
)  # fmt: skip


# Ports


def _perl(script: str, name: str = "perl") -> str:
    """A command that runs a script in the background: every Debian has perl, and it can be called anything."""
    return f"perl -MIO::Socket::INET -e '$0 = \"{name}\"; {script}' >&2 &"


def _listen(address: str, port: int) -> str:
    socket = f'LocalAddr => "{address}", LocalPort => {port}, Listen => 5, ReuseAddr => 1'
    return f"my $s = IO::Socket::INET->new({socket}) or die;"


def _hold(address: str, process: str) -> str:
    return _perl(f"{_listen(address, REGISTRY_PORT)} sleep 1 while 1", process)


@_fault("port-in-use", (TARGET,))
def _port_in_use(host: Host) -> None:
    """A program of root's listens on 127.0.0.1:5555 already."""
    host.after.append(_hold("127.0.0.1", "registry"))
    host.ports.append(REGISTRY_PORT)


@_fault("port-in-use-docker-proxy", (TARGET,))
def _docker_proxy(host: Host) -> None:
    """A container's published port: docker-proxy listens on 0.0.0.0:5555."""
    host.after.append(_hold(ANYWHERE, "docker-proxy"))
    host.ports.append(REGISTRY_PORT)


@_fault("port-held-by-forward", (TARGET,))
def _held_by_forward(host: Host) -> None:
    """Another deploy of the same user holds the port with a forward of its own."""
    options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes"
    forward = f"-R 127.0.0.1:{REGISTRY_PORT}:127.0.0.1:9"
    host.after += [
        "ssh-keygen -q -t ed25519 -N '' -f /run/other-deploy",
        f"cat /run/other-deploy.pub >> ~{host.login}/.ssh/authorized_keys",
        f"ssh -n -N -i /run/other-deploy {options} {forward} {host.login}@127.0.0.1 >&2 &",
    ]
    host.ports.append(REGISTRY_PORT)


@_fault("no-data", (TARGET,))
def _no_data(host: Host) -> None:
    """The forward is granted, but packets from the listening port are dropped on loopback."""
    # Loopback's routes are in the table `local`, which is asked first: it has to come second to our rule.
    host.before += [
        "ip rule add pref 10 lookup local",
        "ip rule del pref 0",
        f"ip rule add pref 5 ipproto tcp sport {REGISTRY_PORT} blackhole",
    ]


# Reaching and logging in


@_fault("down", BOTH)
def _down(host: Host) -> None:
    """Nothing listens on the SSH port."""
    host.runs = False


@_fault("black-hole", BOTH)
def _black_hole(host: Host) -> None:
    """Packets from the SSH port are dropped: a connection is never answered."""
    host.before.append(f"ip rule add ipproto tcp sport {host.port} blackhole")


@_fault("name-unknown", BOTH)
def _name_unknown(host: Host) -> None:
    """No machine that has to dial this host knows its name."""
    host.in_hosts = False


@_fault("host-key-changed", BOTH)
def _key_changed(host: Host) -> None:
    """The deployer's known_hosts has another key for this host."""
    host.pinned = Pinned.OTHER


@_fault("host-key-unknown", (JUMP,))
def _key_unknown(host: Host) -> None:
    """The deployer's known_hosts does not have this host."""
    host.pinned = Pinned.NO


@_fault("login-refused", BOTH)
def _login_refused(host: Host) -> None:
    """The key is not in the user's authorized_keys."""
    host.knows_key = False


@_fault("nologin", NEITHER)
def _nologin(host: Host) -> None:
    """The user's shell is nologin: no command runs, forwards do."""
    host.shell = "/usr/sbin/nologin"


@_fault("shell-kills", (TARGET,))
def _shell_kills(host: Host) -> None:
    """The user's shell ends the connection that it runs in: the forward stands until the first command."""
    host.shell = "/usr/local/bin/kills"
    host.files[host.shell] = File("#!/bin/sh\nkill -9 $PPID\n", 0o755)


def _slow_keys(host: Host, seconds: int) -> None:
    slow = "/usr/local/bin/slow-keys"
    script = f'mkdir /run/asked 2>/dev/null && sleep {seconds}\ncat "$1/.ssh/authorized_keys"'
    host.files[slow] = File(f"#!/bin/sh\n# slow when asked first\n{script}\n", 0o755)
    keys = ["AuthorizedKeysFile none", f"AuthorizedKeysCommand {slow} %h", "AuthorizedKeysCommandUser root"]
    host.blocks += [f"Match User {host.login}", *(f"    {line}" for line in keys)]


@_fault("slow-login", NEITHER)
def _slow_login(host: Host) -> None:
    """The server looks the key up somewhere slow: a login takes eleven seconds, the first time."""
    _slow_keys(host, 11)


@_fault("login-hangs", BOTH)
def _login_hangs(host: Host) -> None:
    """The server looks the key up somewhere that does not answer."""
    _slow_keys(host, 60)


@_fault("login-cut", BOTH)
def _login_cut(host: Host) -> None:
    """The server gives a login one second, and takes longer itself: the connection ends in the middle."""
    host.main.append("LoginGraceTime 1")
    _slow_keys(host, 3)


@_fault("too-many-logins", BOTH)
def _too_many_logins(host: Host) -> None:
    """Somebody's unfinished login uses up all of MaxStartups: sshd closes new connections at once."""
    host.main += ["MaxStartups 1:100:1", "LoginGraceTime 0"]
    host.after += [
        _perl('my $s = IO::Socket::INET->new("127.0.0.1:22"); <$s>; open(F, ">", "/run/held"); sleep 1 while 1')
    ]
    host.after.append("until [ -e /run/held ]; do sleep 0.01; done")


def _serve(host: Host, answer: str) -> None:
    """In place of sshd, something gives every connection `$c` one answer, a string of perl's, and hears it out."""
    host.runs = False
    hear_out = "1 while sysread $c, my $said, 999"
    loop = f"while (my $c = $s->accept) {{ print $c {answer}; {hear_out} }}"
    host.after.append(_perl(f"{_listen(ANYWHERE, host.port)} {loop}"))
    host.ports.append(host.port)


@_fault("not-ssh", BOTH)
def _not_ssh(host: Host) -> None:
    """A web server listens on the SSH port."""
    _serve(host, r'"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"; shutdown $c, 1')


@_fault("broken-ssh", BOTH)
def _broken_ssh(host: Host) -> None:
    """Something says that it is SSH, and then sends what no SSH packet can be."""
    _serve(host, r'"SSH-2.0-Broken_1.0\r\n" . (chr(255) x 64)')


@_fault("password-expired", BOTH)
def _password_expired(host: Host) -> None:
    """The user's password has expired: PAM lets the key in, and withholds forwards and commands."""
    host.password_expired = True


# What a host lacks


@_fault("no-tools", NEITHER)
def _no_tools(host: Host) -> None:
    """The host has no curl, wget, bash, python or perl."""
    host.shell = "/bin/sh"
    for tool in ("curl", "wget", "bash", "python3", "perl", "nc"):
        place = f'"$(readlink -f "$(command -v {tool})")"'
        host.before.append(f"if command -v {tool} >/dev/null; then mount --bind /dev/null {place}; fi")


@_fault("no-loopback", (TARGET,))
def _no_loopback(host: Host) -> None:
    """The host has no address 127.0.0.1: nothing can listen there."""
    host.before.append("ip addr del 127.0.0.1/8 dev lo")
