"""What a host said of itself beside its sshd's settings: the service, the kernel's limits, who guards it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FIRST_UNPRIVILEGED_PORT = 1024
"""Linux's own value of net.ipv4.ip_unprivileged_port_start."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The sections `who`, `service`, `security` and `network` of a host's answers; empty where it did not say."""

    uid: str = ""
    unit: str = ""
    """The systemd unit of the sshd that serves us: `ssh.service`."""
    loaded: str = ""
    """The pid file that this sshd wrote when it last read its files."""
    edited: tuple[str, ...] = ()
    """Files and folders of its configuration that are newer than that."""
    enforcing: bool | None = None
    """SELinux enforces its policy; None where the host was not asked, or has none."""
    confined: str = ""
    """The AppArmor profile of sshd, where it is in one."""
    no_loopback: bool = False
    """The kernel has no address 127.0.0.1."""
    unprivileged: int = FIRST_UNPRIVILEGED_PORT
    """The first port on which anyone may listen."""


def read(said: Mapping[str, str]) -> Machine:
    """What the host said of itself."""
    service, security, network = (list(_pairs(said.get(name, ""))) for name in ("service", "security", "network"))
    of_kernel, guards = dict(network), dict(security)
    label = guards.get("label", "")
    start = of_kernel.get("unprivileged", "")
    return Machine(
        uid=said.get("who", "").partition("\n")[0].strip(),
        unit=dict(service).get("unit", ""),
        loaded=dict(service).get("loaded", ""),
        edited=tuple(dict.fromkeys(value for name, value in service if name == "edited")),
        enforcing={"1": True, "0": False}.get(guards.get("selinux", "")),
        # SELinux writes user:role:type:level here, AppArmor `unconfined`, or the profile and its mode.
        confined=label if label.endswith("(enforce)") else "",
        no_loopback=of_kernel.get("loopback") == "0",
        unprivileged=int(start) if start.isascii() and start.isdigit() else FIRST_UNPRIVILEGED_PORT,
    )


def _pairs(section: str) -> Iterator[tuple[str, str]]:
    for line in section.splitlines():
        name, _, value = line.partition(" ")
        yield name, value.strip()
