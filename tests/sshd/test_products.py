"""Servers that are not plain sshd, by the version that they send."""

from __future__ import annotations

import pytest

from kamal_forward_check.sshd.products import PRODUCTS, product


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("SSH-2.0-Tailscale", "Tailscale SSH"),
        ("SSH-2.0-Cloudflare-Access_2026.1.0_linux", "Cloudflare Access"),
        ("SSH-2.0-Teleport", "Teleport"),
        ("SSH-2.0-Teleport resume-v1 0a1b", "Teleport"),
        ("SSH-2.0-Teleport_18.1.2", "Teleport"),
        ("SSH-2.0-AWS_SFTP_1.1", "AWS Transfer"),
        ("SSH-2.0-libssh_0.10.6", "libssh"),
        ("SSH-2.0-paramiko_5.1.0", "paramiko"),
        ("SSH-2.0-AsyncSSH_2.24.1", "AsyncSSH"),
        ("SSH-2.0-APACHE-SSHD-2.9.1", "Apache MINA SSHD"),
        ("SSH-2.0-Go", "a server written with Go's SSH library"),
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", ""),
        ("SSH-2.0-OpenSSH_for_Windows_9.5", ""),
        ("SSH-2.0-dropbear_2022.83", ""),
        ("SSH-2.0-GoAnywhere7.0", ""),
        ("", ""),
    ],
)
def test_a_product_is_known_by_its_version(version: str, name: str) -> None:
    found = product(version)
    assert (found.name if found else "") == name


def test_each_product_says_what_is_known_and_the_way_out() -> None:
    for each in PRODUCTS:
        assert each.known.endswith(".")
        assert each.way_out.endswith((".", "`."))
