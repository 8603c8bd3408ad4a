"""What a hop that refused is asked, and no more; and what comes of it on real sshd's."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from kamal_forward_check.model import Aside, Certainty, Finding, Given, Keys, Role, ServerLine, Severity, Trace
from kamal_forward_check.rules import Facts, judge
from kamal_forward_check.sshd.refusal import CERTIFICATE
from tests.probe.servers import Servers, make_key, public

MUTE = "ForceCommand /bin/false"
NO = "AllowTcpForwarding no"
LOCAL, STREAM, OTHER = Aside.OWN_SSHD, Aside.STREAMLOCAL, Aside.OTHER_PORT


def finding(trace: Trace) -> Finding:
    """The one error that the trace comes to."""
    [found] = [each for each in judge(Facts(traces=(trace,))) if each.severity is Severity.ERROR]
    return found


def exposed(trace: Trace) -> ServerLine:
    """The line that opens the registry to the network."""
    [line] = [each.server_line for each in judge(Facts(traces=(trace,))) if each.code == "KF701"]
    assert line
    return line


@pytest.mark.parametrize(
    ("lines", "key_options", "asides"),
    [
        ((NO,), "", set()),
        ((NO, MUTE), "", {LOCAL, STREAM}),
        ((NO,), 'command="false"', {LOCAL, STREAM}),
        (("AllowTcpForwarding local", MUTE), "", {LOCAL}),
        (("DisableForwarding yes", MUTE), "", {LOCAL, STREAM}),
        (("PermitListen 1", MUTE), "", set()),
        ((MUTE,), 'permitlisten="1"', set()),
        ((MUTE,), "restrict", set()),
        ((NO, MUTE), "no-port-forwarding", set()),
    ],
)
def test_the_wire_is_asked_only_what_can_change_the_answer(
    servers: Servers, lines: tuple[str, ...], key_options: str, asides: set[Aside]
) -> None:
    [trace] = servers.walk(servers.route(servers.sshd(*lines, key_options=key_options)))
    assert set(trace.hops[0].asides) == asides


@pytest.mark.parametrize(
    ("lines", "key_options", "asides"),
    [
        ((NO,), "", set()),
        ((NO, MUTE), "", {LOCAL, STREAM}),
        (("PermitOpen 127.0.0.*:*", MUTE), "", {LOCAL, STREAM}),
        ((MUTE,), "restrict", set()),
    ],
)
def test_a_jump_is_asked_only_what_can_change_the_answer(
    servers: Servers, lines: tuple[str, ...], key_options: str, asides: set[Aside]
) -> None:
    jump = servers.sshd(*lines, key_options=key_options)
    [trace] = servers.walk(servers.route(jump, to=("127.0.0.1", 1)))
    assert set(trace.hops[0].asides) == asides


@pytest.mark.parametrize(
    ("lines", "asides"), [((), set()), ((MUTE,), {OTHER})], ids=["the host is asked", "it is mute"]
)
def test_another_port_is_asked_for_where_nobody_says_who_holds_this_one(
    servers: Servers, lines: tuple[str, ...], asides: set[Aside]
) -> None:
    target = servers.sshd(*lines)
    with socket.create_server(("127.0.0.1", 0)) as server:
        [trace] = servers.walk(servers.route(target, port=server.getsockname()[1]))
    assert set(trace.hops[0].asides) == asides


def test_nothing_is_asked_of_a_target_that_grants(servers: Servers) -> None:
    [trace] = servers.walk(servers.route(servers.sshd()))
    assert (trace.hops[0].host_said, trace.hops[0].asides) == ({}, {})


# The key


def test_a_second_line_with_the_same_key_does_not_count(servers: Servers) -> None:
    target = servers.sshd()
    key = public(servers.key)
    target.authorize(f"restrict {key}", f'from="10.9.9.9" {key}', f"no-port-forwarding {key}", f"no-pty {key}")
    [trace] = servers.walk(servers.route(target))
    found = finding(trace)
    assert (found.code, found.why.count("has the same key")) == ("KF501", 1)
    assert f"{target.authorized_keys}:4 has the same key and would allow it, in vain" in found.why


@pytest.mark.parametrize(
    ("line", "signed", "file"),
    [
        ("cert-authority", ["-O", "clear", "-O", "permit-pty"], CERTIFICATE),
        ("cert-authority", [], ""),
        ("cert-authority,restrict", [], "authorized_keys"),
        (None, ["-O", "no-port-forwarding"], CERTIFICATE),
        (None, [], ""),
    ],
    ids=["the certificate", "neither", "the line", "a trusted certificate", "a trusted one that allows"],
)
def test_a_certificate(servers: Servers, tmp_path: Path, line: str | None, signed: list[str], file: str) -> None:
    authority, key = make_key(tmp_path / "authority"), make_key(tmp_path / "key")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", "root,me", *signed, f"{key}.pub"], check=True
    )
    target = servers.sshd(*([] if line else [f"TrustedUserCAKeys {authority}.pub", "AuthorizedPrincipalsFile none"]))
    target.authorize(f'{line},principals="me" {public(authority)}' if line else "# nobody")
    hop = servers.hop(target, Role.TARGET, keys=Keys(files=(Given(str(key), "ssh.keys"),)))
    [trace] = servers.walk(servers.route(target=hop))
    if not file:
        assert not trace.failing
        return
    found = finding(trace)
    assert (found.code, found.server_line and found.server_line.file.rpartition("/")[2]) == ("KF501", file)


# GatewayPorts


def test_gateway_ports_name_their_line(servers: Servers) -> None:
    target = servers.sshd("GatewayPorts yes # for all")
    [trace] = servers.walk(servers.route(target))
    line = exposed(trace)
    assert (line.file, line.certainty) == (str(target.config), Certainty.EXACT)
    assert (line.current, line.change_to) == ("GatewayPorts yes # for all", "GatewayPorts no # for all")


def test_gateway_ports_of_a_host_that_can_not_be_asked(servers: Servers) -> None:
    [trace] = servers.walk(servers.route(servers.sshd("GatewayPorts yes", MUTE)))
    line = exposed(trace)
    assert (line.file, line.certainty) == ("sshd_config", Certainty.KEYWORD)
