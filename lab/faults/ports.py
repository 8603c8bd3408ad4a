"""The port that Kamal wants on a target, and what is in its way."""

from __future__ import annotations

from lab.faults.programs import ANYWHERE, listening, perl
from lab.faults.registry import NEITHER, TARGET, fault
from lab.host import USERS, Host

REGISTRY_PORT = 5555


def _held(host: Host, address: str, process: str, *, prefix: str = "") -> None:
    host.after.append(perl(f"{listening(address, REGISTRY_PORT)} sleep 1 while 1", process, prefix=prefix))
    host.ports.append(REGISTRY_PORT)


@fault("port-in-use", (TARGET,))
def _port_in_use(host: Host) -> None:
    """A program of root's listens on 127.0.0.1:5555 already."""
    _held(host, "127.0.0.1", "registry")


@fault("port-in-use-docker-proxy", (TARGET,))
def _docker_proxy(host: Host) -> None:
    """A container's published port: docker-proxy listens on 0.0.0.0:5555."""
    _held(host, ANYWHERE, "docker-proxy")


@fault("port-in-use-dual-stack", (TARGET,))
def _dual_stack(host: Host) -> None:
    """A program listens on [::]:5555, which takes IPv4 as well."""
    _held(host, "::", "flower")


@fault("port-in-use-by-login", (TARGET,))
def _by_login(host: Host) -> None:
    """A program of the login's own listens on 127.0.0.1:5555: it is no forward."""
    uid = USERS[host.login][0]
    _held(host, "127.0.0.1", "adb", prefix=f"setpriv --reuid={uid} --regid={uid} --clear-groups")


@fault("port-in-use-ipv6-only", NEITHER)
def _ipv6_only(host: Host) -> None:
    """A program listens on [::1]:5555 alone: Kamal asks for 127.0.0.1, which is free."""
    _held(host, "::1", "registry")


@fault("port-held-by-forward", (TARGET,))
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


@fault("no-data", (TARGET,))
def _no_data(host: Host) -> None:
    """The forward is granted, but packets from the listening port are dropped on loopback."""
    # Loopback's routes are in the table `local`, which is asked first: it has to come second to our rule.
    host.before += [
        "ip rule add pref 10 lookup local",
        "ip rule del pref 0",
        f"ip rule add pref 5 ipproto tcp sport {REGISTRY_PORT} blackhole",
    ]


@fault("no-loopback", (TARGET,))
def _no_loopback(host: Host) -> None:
    """The host has no address 127.0.0.1: nothing can listen there."""
    host.before.append("ip addr del 127.0.0.1/8 dev lo")
