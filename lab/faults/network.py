"""Reaching a host: names, ports, host keys, and what is not sshd."""

from __future__ import annotations

from lab.faults.programs import ANYWHERE, listening, perl
from lab.faults.registry import BOTH, JUMP, TARGET, fault, line
from lab.host import Host, Pinned

# What net-ssh, which enters Kamal's targets, does not know
line("only-newest-algorithms", (TARGET,), "KexAlgorithms sntrup761x25519-sha512@openssh.com")
line("only-curve25519", (TARGET,), "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org")
line("only-chacha20", (TARGET,), "Ciphers chacha20-poly1305@openssh.com")
line("only-umac", (TARGET,), "Ciphers aes256-gcm@openssh.com", "MACs umac-128-etm@openssh.com")


@fault("down", BOTH)
def _down(host: Host) -> None:
    """Nothing listens on the SSH port."""
    host.runs = False


@fault("black-hole", BOTH)
def _black_hole(host: Host) -> None:
    """Packets from the SSH port are dropped: a connection is never answered."""
    host.before.append(f"ip rule add ipproto tcp sport {host.port} blackhole")


@fault("name-unknown", BOTH)
def _name_unknown(host: Host) -> None:
    """No machine that has to dial this host knows its name."""
    host.in_hosts = False


@fault("host-key-changed", BOTH)
def _key_changed(host: Host) -> None:
    """The deployer's known_hosts has another key for this host."""
    host.pinned = Pinned.OTHER


@fault("host-key-unknown", (JUMP,))
def _key_unknown(host: Host) -> None:
    """The deployer's known_hosts does not have this host."""
    host.pinned = Pinned.NO


@fault("too-many-logins", BOTH)
def _too_many_logins(host: Host) -> None:
    """Somebody's unfinished login uses up all of MaxStartups: sshd closes new connections at once."""
    host.main += ["MaxStartups 1:100:1", "LoginGraceTime 0"]
    connect = 'my $s = IO::Socket::IP->new(PeerHost => "127.0.0.1", PeerPort => 22);'
    host.after += [
        perl(f'{connect} <$s>; open(F, ">", "/run/held"); sleep 1 while 1'),
        "until [ -e /run/held ]; do sleep 0.01; done",
    ]


def _serve(host: Host, answer: str) -> None:
    """In place of sshd, something gives every connection `$c` one answer, a string of perl's, and hears it out."""
    host.runs = False
    hear_out = "1 while sysread $c, my $said, 999"
    loop = f"while (my $c = $s->accept) {{ print $c {answer}; {hear_out} }}"
    host.after.append(perl(f"{listening(ANYWHERE, host.port)} {loop}"))
    host.ports.append(host.port)


@fault("not-ssh", BOTH)
def _not_ssh(host: Host) -> None:
    """A web server listens on the SSH port."""
    _serve(host, r'"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"; shutdown $c, 1')


@fault("broken-ssh", BOTH)
def _broken_ssh(host: Host) -> None:
    """Something says that it is SSH, and then sends what no SSH packet can be."""
    _serve(host, r'"SSH-2.0-Broken_1.0\r\n" . (chr(255) x 64)')
