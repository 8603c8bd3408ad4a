"""Forwards that stand, and what comes after them: Docker on its way to the port, idle connections, many logins."""

from __future__ import annotations

from lab.faults.ports import REGISTRY_PORT
from lab.faults.programs import listening, perl
from lab.faults.registry import NEITHER, TARGET, block, fault, line
from lab.host import USERS, File, Host

line("unused-connection-timeout", NEITHER, "UnusedConnectionTimeout 1h")
line("channel-timeout", NEITHER, "ChannelTimeout direct-tcpip=1h")
line("max-startups-few", NEITHER, "MaxStartups 2:30:100")

# The lab's first host is the jump.
block("forwarding-off-from-jumps", (TARGET,), "Match Address 192.0.2.11,198.51.100.11", "    AllowTcpForwarding no")


@fault("other-on-ipv6", NEITHER)
def _other_on_ipv6(host: Host) -> None:
    """localhost is ::1 as well, and another program has [::1]:5555: sshd listens on 127.0.0.1 all the same."""
    host.before.append("echo '::1 localhost' >> /etc/hosts")
    serve = r'while (my $c = $s->accept) { print $c "HTTP/1.0 404 Not Found\r\n\r\n" }'
    host.after.append(perl(f"{listening('::1', REGISTRY_PORT)} {serve}", "other"))
    host.ports.append(REGISTRY_PORT)


@fault("no-docker", NEITHER)
def _no_docker(host: Host) -> None:
    """Docker is not installed yet."""
    host.before.append('while docker=$(command -v docker); do mount --bind /dev/null "$(readlink -f "$docker")"; done')


@fault("docker-elsewhere", NEITHER)
def _docker_elsewhere(host: Host) -> None:
    """The login's Docker is rootless: its daemon has a network of its own."""
    uid, home = USERS[host.login]
    pid, daemon = f"/run/user/{uid}/docker.pid", f"setpriv --reuid {uid} --clear-groups unshare --user --net"
    host.files[f"{home}/.docker/config.json"] = File('{\n\t"currentContext": "rootless"\n}\n', owner=uid)
    host.before += [
        f"mkdir -p /run/user/{uid}",
        f"{daemon} sleep infinity >&2 & echo $! > {pid}",
        f'until [ "$(readlink /proc/$(cat {pid})/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done',
    ]
