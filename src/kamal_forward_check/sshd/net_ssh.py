"""What net-ssh, with which Kamal dials its targets, proposes in its KEXINIT, and what it shares with a server.

The lists are those of net-ssh 7.3.2 as Kamal 2.11 brings it (transport/algorithms.rb; each name was held against
a real sshd that has it alone). net-ssh wants a shared MAC also where the cipher needs none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kamal_forward_check.model import Algorithms

_NISTP = tuple(f"ecdsa-sha2-nistp{bits}" for bits in (521, 384, 256))
_CERTIFIED = "-cert-v01@openssh.com"

KEX, HOST_KEY, CIPHERS, MACS = "KexAlgorithms", "HostKeyAlgorithms", "Ciphers", "MACs"

PROPOSED: Mapping[str, tuple[str, ...]] = {
    KEX: (
        *(f"ecdh-sha2-nistp{bits}" for bits in (521, 384, 256)),
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group14-sha1",
    ),
    HOST_KEY: (
        f"ssh-ed25519{_CERTIFIED}", "ssh-ed25519",
        *(f"{name}{_CERTIFIED}" for name in _NISTP), *_NISTP,
        f"ssh-rsa{_CERTIFIED}", "ssh-rsa-cert-v00@openssh.com", "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512",
    ),
    CIPHERS: ("aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com"),
    MACS: (
        "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512", "hmac-sha2-256", "hmac-sha1",
    ),
}  # fmt: skip
"""Without being told otherwise, by the keyword of sshd_config and ssh_config for it."""

_IF_TOLD: Mapping[str, tuple[str, ...]] = {
    KEX: ("diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-sha1"),
    HOST_KEY: ("ssh-dss",),
    CIPHERS: (
        *(f"aes{bits}-cbc" for bits in (256, 192, 128)), "rijndael-cbc@lysator.liu.se",
        *(f"{name}-{mode}" for name in ("blowfish", "cast128", "3des") for mode in ("ctr", "cbc")), "idea-cbc", "none",
    ),
    MACS: (
        "hmac-sha2-512-96", "hmac-sha2-256-96", "hmac-sha1-96", "hmac-ripemd160", "hmac-ripemd160@openssh.com",
        "hmac-md5", "hmac-md5-96", "none",
    ),
}  # fmt: skip

OF_GEMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "x25519": (KEX, ("curve25519-sha256", "curve25519-sha256@libssh.org")),
    "rbnacl": (CIPHERS, ("chacha20-poly1305@openssh.com",)),
}
"""What further gems add: name → keyword and algorithms. Kamal brings neither."""

_NO_ALGORITHM = re.compile(r"kex-strict-|ext-info-")


def proposal(told: Mapping[str, str], gems: Iterable[str] = ()) -> Algorithms:
    """net-ssh's lists. `told` are ssh_config's values by keyword; `gems` are those of `OF_GEMS` in Kamal's bundle."""
    lists = {keyword: list(names) for keyword, names in PROPOSED.items()}
    supported = {keyword: [*names, *_IF_TOLD[keyword]] for keyword, names in PROPOSED.items()}
    for keyword, names in (OF_GEMS[gem] for gem in gems):
        lists[keyword] += names
        supported[keyword] += names
    for keyword, value in told.items():
        lists[keyword] = _composed(value.split(","), supported[keyword])
    kex, host_key, ciphers, macs = (tuple(lists[keyword]) for keyword in (KEX, HOST_KEY, CIPHERS, MACS))
    return Algorithms(kex, host_key, ciphers, ciphers, macs, macs)


def _composed(words: list[str], supported: list[str]) -> list[str]:
    """A list as it is told: from what there is with `+` and `-` (`*` stands for anything), or anew.

    To net-ssh, `+` and `-` begin each name of their own (compose_algorithm_list).
    """
    if not words[0].startswith(("+", "-")):
        return [word for word in words if word in supported]
    less = [re.escape(word[1:]).replace(r"\*", r"[A-Za-z\d\-@.]*") for word in words if word.startswith("-")]
    return [name for name in supported if not any(re.fullmatch(pattern, name) for pattern in less)]


@dataclass(frozen=True, slots=True)
class Unshared:
    """A kind of algorithm on which the two can't settle: its keyword, the server's list, and ours."""

    keyword: str
    server: tuple[str, ...]
    client: tuple[str, ...]


def unshared(client: Algorithms, server: Algorithms) -> tuple[Unshared, ...]:
    """What a client and a server do not share, in the order in which net-ssh comes to it; each keyword once."""
    pairs = (
        (KEX, client.kex, server.kex),
        (HOST_KEY, client.host_key, server.host_key),
        (CIPHERS, client.cipher_to_server, server.cipher_to_server),
        (CIPHERS, client.cipher_to_client, server.cipher_to_client),
        (MACS, client.mac_to_server, server.mac_to_server),
        (MACS, client.mac_to_client, server.mac_to_client),
    )
    found: dict[str, Unshared] = {}
    for keyword, ours, theirs in pairs:
        if not set(ours) & set(theirs):
            named = tuple(name for name in theirs if not _NO_ALGORITHM.match(name))
            found.setdefault(keyword, Unshared(keyword, named, ours))
    return tuple(found.values())
