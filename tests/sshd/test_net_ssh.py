"""net-ssh's proposal, as ssh_config and Kamal's bundle change it, and what it shares with servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kamal_forward_check.sshd.net_ssh import CIPHERS, HOST_KEY, KEX, MACS, PROPOSED, proposal, unshared

USUAL = proposal({})


def test_without_more_it_proposes_its_own_lists() -> None:
    assert USUAL.kex == PROPOSED[KEX]
    assert USUAL.cipher_to_server == USUAL.cipher_to_client == PROPOSED[CIPHERS]
    assert unshared(USUAL, USUAL) == ()


@pytest.mark.parametrize(
    ("told", "kex"),
    [
        ("ecdh-sha2-nistp256,curve25519-sha256", ("ecdh-sha2-nistp256",)),
        ("-ecdh-*,-diffie-hellman-group14*", ("diffie-hellman-group-exchange-sha256",)),
        ("+curve25519-sha256", PROPOSED[KEX]),
        ("sntrup761x25519-sha512@openssh.com", ()),
    ],
    ids=["a list anew", "less", "more than it has", "nothing that it has"],
)
def test_ssh_config_changes_the_lists(told: str, kex: tuple[str, ...]) -> None:
    old = ("diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-sha1") if told[0] in "+-" else ()
    assert proposal({KEX: told}).kex == (*kex, *old)


def test_gems_add_theirs() -> None:
    more = proposal({}, ["x25519", "rbnacl"])
    assert "curve25519-sha256" in more.kex
    assert "chacha20-poly1305@openssh.com" in more.cipher_to_client
    assert proposal({KEX: "curve25519-sha256"}, ["x25519"]).kex == ("curve25519-sha256",)


@pytest.mark.parametrize(
    ("keyword", "lists"),
    [
        (KEX, {"kex": ("curve25519-sha256", "kex-strict-s-v00@openssh.com", "ext-info-s")}),
        (HOST_KEY, {"host_key": ("sk-ssh-ed25519@openssh.com",)}),
        (CIPHERS, {"cipher_to_server": ("chacha20-poly1305@openssh.com",)}),
        (CIPHERS, {"cipher_to_client": ("aes256-cbc",)}),
        (MACS, {"mac_to_server": (), "mac_to_client": ()}),
    ],
)
def test_each_kind_must_be_shared_in_both_directions(keyword: str, lists: dict[str, tuple[str, ...]]) -> None:
    server = replace(USUAL, **lists)
    [found] = unshared(USUAL, server)
    assert found.keyword == keyword
    assert found.server == next(iter(lists.values()))[:1]
    assert found.client == PROPOSED[keyword]


def test_a_mac_is_wanted_even_where_the_cipher_needs_none() -> None:
    server = replace(USUAL, cipher_to_server=("aes256-gcm@openssh.com",), mac_to_server=("umac-128-etm@openssh.com",))
    assert [kind.keyword for kind in unshared(USUAL, server)] == [MACS]


def test_all_that_must_change_is_told_at_once() -> None:
    server = replace(USUAL, kex=("curve25519-sha256",), mac_to_client=("umac-64@openssh.com",))
    assert [kind.keyword for kind in unshared(USUAL, server)] == [KEX, MACS]
