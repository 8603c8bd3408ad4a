"""A server that shares algorithms with us is not yet one that shares them with Kamal's client."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kamal_forward_check.model import Cause, Purpose, Role, Route, Stage, Trace, Verdict
from kamal_forward_check.sshd import net_ssh
from tests.probe.servers import Servers, codes, free_port, stop


def walk(servers: Servers, *lines: str, told: str = "", gems: tuple[str, ...] = ()) -> Trace:
    """A walk to a target with these lines, by a net-ssh with these gems, whose ssh_config tells these KexAlgorithms."""
    hop = servers.hop(servers.sshd(*lines), Role.TARGET)
    hop = replace(hop, proposes=net_ssh.proposal({net_ssh.KEX: told} if told else {}, gems))
    [trace] = servers.walk(Route(Purpose.PULL, (hop,), "127.0.0.1", free_port()))
    return trace


@pytest.mark.parametrize(
    ("line", "keyword"),
    [
        ("KexAlgorithms curve25519-sha256", net_ssh.KEX),
        ("KexAlgorithms sntrup761x25519-sha512@openssh.com", net_ssh.KEX),  # ours has none of these
        ("MACs hmac-sha1-etm@openssh.com", net_ssh.MACS),
        ("Ciphers aes128-cbc,aes256-cbc", net_ssh.CIPHERS),
        ("HostKeyAlgorithms sk-ssh-ed25519@openssh.com,ssh-ed25519", ""),
        ("Ciphers aes128-gcm@openssh.com", ""),
        ("MACs hmac-sha1", ""),
    ],
)
def test_what_net_ssh_can_not_agree_on_stops_although_we_get_in(servers: Servers, line: str, keyword: str) -> None:
    trace = walk(servers, line)
    if not keyword:
        assert trace.verdict is Verdict.PASS
        return
    assert stop(trace)[1:] == (Stage.REACH, Cause.NO_COMMON_ALGORITHM)
    assert codes(trace) == ["KF207"]
    assert trace.failing
    assert trace.failing.stopped
    assert trace.failing.stopped.detail == keyword
    assert trace.failing.heard.algorithms


def test_what_only_our_library_lacks_proves_nothing(servers: Servers) -> None:
    lines = (
        "KexAlgorithms ecdh-sha2-nistp521,sntrup761x25519-sha512@openssh.com",
        "Ciphers chacha20-poly1305@openssh.com",
    )
    trace = walk(servers, *lines, gems=("rbnacl",))
    assert trace.verdict is Verdict.INCOMPLETE
    seen = trace.hops[0].at(Stage.REACH)
    assert seen
    assert seen.cause is Cause.NO_COMMON_ALGORITHM


def test_ssh_config_can_take_from_net_ssh_what_it_needs(servers: Servers) -> None:
    assert stop(walk(servers, told="diffie-hellman-group1-sha1"))[2] is Cause.NO_COMMON_ALGORITHM


def test_a_gem_of_the_bundle_adds_what_is_needed(servers: Servers) -> None:
    assert walk(servers, "KexAlgorithms curve25519-sha256@libssh.org", gems=("x25519",)).verdict is Verdict.PASS
