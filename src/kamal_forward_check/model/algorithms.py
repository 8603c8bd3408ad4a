"""What one side of an SSH connection names in its KEXINIT (RFC 4253 §7.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Algorithms:
    """Six lists of names, each in the side's own order; `to_server` and `to_client` are the two directions."""

    kex: tuple[str, ...]
    host_key: tuple[str, ...]
    cipher_to_server: tuple[str, ...]
    cipher_to_client: tuple[str, ...]
    mac_to_server: tuple[str, ...]
    mac_to_client: tuple[str, ...]
