"""PermitListen and PermitOpen, and their twins in authorized_keys: does a list allow a request?

Both compare text with text, without looking a name up (measured, 9.2): `localhost` is not `127.0.0.1`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase


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
