"""SSH servers that are not plain sshd, by the version that they send first (RFC 4253 §4.2).

What is said of Tailscale, Cloudflare and Teleport is from their own documentation and trackers; of the others only
that sshd_config is not what decides there. dropbear has words of its own elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

_START = "SSH-2.0-"


@dataclass(frozen=True, slots=True)
class Product:
    """A server: its version's start, its name, what it does with remote forwards, and the way out."""

    version: str
    name: str
    known: str
    way_out: str


_PLAIN = "or let Kamal reach a plain sshd on that host"
_OWN = "It has rules and settings of its own: no line of sshd_config decides there."

PRODUCTS = (
    Product(
        "Tailscale",
        "Tailscale SSH",
        "It forwards remote ports from Tailscale 1.44 on, for users whom the tailnet's ssh policy lets in.",
        "Have Tailscale 1.44 or later there, and a policy of the tailnet (its `ssh` section) that allows it, "
        f"{_PLAIN}: `tailscale set --ssh=false`, and sshd over the tailnet.",
    ),
    Product(
        "Cloudflare-Access",
        "Cloudflare Access",
        "Access for Infrastructure forwards no ports, neither local nor remote ones, and no agent.",
        "Reach the host's own sshd through the tunnel: `ssh.proxy_command: cloudflared access ssh --hostname %h`.",
    ),
    Product(
        "Teleport",
        "Teleport",
        "It forwards remote ports from Teleport 15 on (not well since 15.1.9 in some releases), where the user's role "
        "has ssh_port_forwarding.remote.",
        f"Update Teleport, and allow ssh_port_forwarding.remote in the role, {_PLAIN}.",
    ),
    Product("AWS_SFTP", "AWS Transfer", "It serves files, and neither commands nor forwards.",
            "Name the server itself in deploy.yml: this is a file service."),
    Product("Go", "a server written with Go's SSH library", f"A gateway often is. {_OWN}",
            f"See whether that server forwards remote ports at all, {_PLAIN}."),
    *(
        Product(version, name, _OWN, f"See in {name}'s own settings whether it forwards remote ports, {_PLAIN}.")
        for version, name in (
            ("libssh", "libssh"),
            ("paramiko", "paramiko"),
            ("AsyncSSH", "AsyncSSH"),
            ("APACHE-SSHD", "Apache MINA SSHD"),
            ("SSHD-CORE", "Apache MINA SSHD"),
            ("Warpgate", "Warpgate"),
            ("russh", "russh"),
            ("mod_sftp", "ProFTPD's mod_sftp"),
            ("ROSSSH", "RouterOS"),
            ("Cisco", "Cisco IOS"),
        )
    ),
)  # fmt: skip


def product(version: str) -> Product | None:
    """The product that sends this version; None for OpenSSH, dropbear and what is not known."""
    software = version.removeprefix(_START).lower()
    return next((each for each in PRODUCTS if _is(software, each.version.lower())), None)


def _is(software: str, name: str) -> bool:
    """Whole words alone: Go is not GoAnywhere."""
    return software.startswith(name) and not software[len(name) : len(name) + 1].isalnum()


SESSION_SHELL = "Starting session with SessionId"
"""What the AWS CLI prints where Session Manager opens a shell, and no connection to a port."""
