"""PermitListen and PermitOpen, and their twins in authorized_keys: does a list allow a request?

Both compare text with text, without looking a name up (measured, 9.2): `localhost` is not `127.0.0.1`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from ipaddress import ip_address

from kamal_forward_check.model import Role

KEYWORD = {Role.TARGET: "PermitListen", Role.JUMP: "PermitOpen"}
"""What lists the forwards of each role in sshd_config."""

OPTION = {role: keyword.lower() for role, keyword in KEYWORD.items()}
"""Likewise of a key, in authorized_keys; and the keyword as `sshd -T` writes it."""


def listen_allowed(values: str, host: str, port: int) -> bool:
    """Whether a PermitListen list (sshd_config(5)) allows a listen; hosts may hold * and ?."""
    return any(
        _port_fits(ports, port) and fnmatchcase(host.lower(), hosts.replace("[", "[[]"))
        for hosts, ports in map(_split, values.split())
    )


def open_allowed(values: str, host: str, port: int) -> bool:
    """Whether a PermitOpen list allows a connection; a host is the very text, or exactly `*`."""
    return any(_port_fits(ports, port) and hosts in ("*", host) for hosts, ports in map(_split, values.split()))


def _split(value: str) -> tuple[str, str]:
    if value == "any":
        return "*", "*"
    if value == "none":
        return "", ""
    host, colon, port = value.rpartition(":")
    if not colon:
        return "*", port
    return host.removeprefix("[").removesuffix("]"), port


def _port_fits(pattern: str, port: int) -> bool:
    return pattern in ("*", str(port))


def listen_remarks(values: str, host: str, port: int) -> Iterator[str]:
    """What of a PermitListen list that leaves host:port out looks as if it allowed it, and why it does not."""
    near = [hosts for hosts, ports in map(_split, values.split()) if _port_fits(ports, port)]
    if "localhost" in near:
        yield (
            f"localhost is not {host}: sshd compares text with text, and Kamal asks for {host}; "
            f"`ssh -R {port}:localhost:{port}` asks for localhost, and so passes by hand."
        )
    capitals = [hosts for hosts in near if hosts != hosts.lower()]
    if capitals:
        yield f"{capitals[0]} matches nothing: sshd writes what it is asked for in small letters, and not its list."
    if "0.0.0.0" in near:  # noqa: S104 - a text
        yield f"0.0.0.0 stands for itself alone, not for {host}: sshd compares text with text."
    if not near and values.lower() != "none":
        yield f"No listed address has port {port}."


def open_remarks(values: str, host: str, port: int) -> Iterator[str]:
    """What of a PermitOpen list that leaves host:port out looks as if it allowed it, and why it does not."""
    listed = [(hosts, ports) for hosts, ports in map(_split, values.split()) if _port_fits(ports, port)]
    patterns = [hosts for hosts, _ in listed if hosts != "*" and set(hosts) & set("*?")]
    if patterns:
        yield f"{patterns[0]} is no pattern here, and matches nothing: sshd compares text with text, except * alone."
    if any(hosts != host and hosts.lower() == host.lower() for hosts, _ in listed):
        yield f"Capitals count: Kamal asks for {host}."
    elif any(_is_address(hosts) != _is_address(host) for hosts, _ in listed if hosts not in patterns):
        yield f"Kamal asks for {host}, and no name stands for its address here, nor an address for its name."


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
