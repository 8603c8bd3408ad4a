"""What serves SSH: a super-server that starts sshd for each connection, or dropbear in sshd's place."""

from __future__ import annotations

from shlex import quote

from lab.faults.programs import ANYWHERE, listening, perl
from lab.faults.registry import BOTH, JUMP, NEITHER, TARGET, fault
from lab.host import MAIN, NOLOGIN, File, Host

_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"


def _super_server(host: Host, *options: str) -> None:
    """For each connection sshd -i is started with `options`, as by inetd or by an ssh.socket with Accept=yes."""
    host.runs = False
    start = f"exec {', '.join(repr(word) for word in ('/usr/sbin/sshd', '-i', '-e', *options))}"
    dup = r'open(STDIN, "<&", $c); open(STDOUT, ">&", $c)'
    loop = f"while (my $c = $s->accept) {{ next if fork; {dup}; {start} }}"
    host.after.append(perl(f'$SIG{{CHLD}} = "IGNORE"; {listening(ANYWHERE, host.port)} {loop}', "inetd"))
    host.ports.append(host.port)


@fault("super-server", NEITHER)
def _inetd(host: Host) -> None:
    """sshd is started for each connection by a super-server: there is no daemon."""
    _super_server(host)


@fault("address-family-inet6", (TARGET,))
def _inet6(host: Host) -> None:
    """sshd has AddressFamily inet6 (a super-server brings it IPv4 connections): it can't listen on 127.0.0.1."""
    host.main.append("AddressFamily inet6")
    _super_server(host)


def _dropbear(host: Host, *options: str) -> None:
    # dropbear refuses the login of a user with another shell than these
    host.files["/etc/shells"] = File(f"/bin/sh\n/bin/bash\n{NOLOGIN}\n")
    host.before.append(f"dropbearconvert openssh dropbear {_HOST_KEY} /run/dropbear_key 2>/dev/null")
    files = ("-r", "/run/dropbear_key", "-P", "/run/dropbear.pid")
    host.server = ("/usr/sbin/dropbear", "-F", "-E", "-s", *files, *options)


@fault("dropbear", NEITHER, needs=("dropbear",))
def _dropbear_alone(host: Host) -> None:
    """The server is dropbear, which allows every forward."""
    _dropbear(host)


@fault("dropbear-no-remote", (TARGET,), needs=("dropbear",))
def _dropbear_no_remote(host: Host) -> None:
    """The server is dropbear with -k: it forwards no remote ports, and says nothing about it."""
    _dropbear(host, "-k")


@fault("dropbear-no-local", (JUMP,), needs=("dropbear",))
def _dropbear_no_local(host: Host) -> None:
    """The server is dropbear with -j: it opens no connections, and says nothing about it."""
    _dropbear(host, "-j")


@fault("another-product", BOTH)
def _another_product(host: Host) -> None:
    """The server says that it is Tailscale SSH, and forwards nothing: sshd, with another name in place of its own."""
    host.main.append("AllowTcpForwarding no")
    renamed = (
        "s/OpenSSH_[0-9][^ \\0]*(?: [^\\0]*)?\\0/my $n = length $&; substr(qq(Tailscale) . qq(\\0) x $n, 0, $n)/ge"
    )
    for program in ("/usr/sbin/sshd", "/usr/lib/openssh/sshd-session"):
        copy = f"/usr/local/bin/{program.rpartition('/')[2]}"
        host.before.append(
            f"if [ -e {program} ]; then perl -0777 -pe {quote(renamed)} {program} >{copy}; chmod 755 {copy}; fi"
        )
    host.before.append(
        f"[ ! -e /usr/local/bin/sshd-session ] || echo SshdSessionPath /usr/local/bin/sshd-session >>{MAIN}"
    )
    host.server = ("/usr/local/bin/sshd", "-D", "-e")
