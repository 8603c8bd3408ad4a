"""Data sent through the forward, and what else is told of a target whose forward stands."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kamal_forward_check.model import Beside, Role, Stage, Status, Verdict
from kamal_forward_check.probe import data
from kamal_forward_check.probe.data import Flow, send
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.registry_stub import RegistryStub
from kamal_forward_check.rules import Facts, judge
from tests.probe.servers import Servers, codes, free_port
from tests.probe.walked import at


def test_without_tools_and_without_a_channel_back_data_is_not_looked_at(servers: Servers) -> None:
    target = servers.sshd("AllowTcpForwarding remote", "ForceCommand /bin/false")
    [trace] = servers.walk(servers.route(target))
    assert trace.verdict is Verdict.PASS
    assert at(trace, Stage.DATA)[0] is Status.SKIPPED
    assert codes(trace) == []


def test_a_login_that_hangs_is_not_waited_for(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forced command runs, and reads nothing: the answer comes by the channel back."""
    monkeypatch.setattr(data, "_LOGIN_SECONDS", 0.2)
    target = servers.sshd("ForceCommand sleep 600")
    [trace] = servers.walk(servers.route(target))
    assert at(trace, Stage.DATA) == (Status.PASS, "a channel back")


@pytest.mark.parametrize("greeting", ["Welcome!", "", "exec 2>&1; set -x"])
def test_what_a_login_says_by_itself_does_no_harm(servers: Servers, greeting: str) -> None:
    target = servers.sshd(f"ForceCommand echo '{greeting}'; eval \"$SSH_ORIGINAL_COMMAND\"")
    [trace] = servers.walk(servers.route(target))
    assert at(trace, Stage.DATA)[0] is Status.PASS


def test_a_login_that_repeats_what_it_reads_proves_nothing(servers: Servers) -> None:
    target = servers.sshd("AllowTcpForwarding remote", "ForceCommand cat")
    [trace] = servers.walk(servers.route(target))
    assert at(trace, Stage.DATA)[0] is Status.SKIPPED


class _Yes(BaseHTTPRequestHandler):
    """Answers everything with 200, as many a program does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_another_listener_that_says_200_is_not_taken_for_our_end(servers: Servers) -> None:
    live = servers.enter(servers.hop(servers.sshd(), Role.TARGET))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Yes) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        flow, said = send(live, Notes(live.hop), other.server_port, RegistryStub(), 10)
        other.shutdown()
    assert flow is Flow.STUCK, said


def test_a_closed_port_is_no_data(servers: Servers) -> None:
    live = servers.enter(servers.hop(servers.sshd(), Role.TARGET))
    flow, said = send(live, Notes(live.hop), free_port(), RegistryStub(), 10)
    assert flow is Flow.STUCK
    assert "refused" in said.lower()


TOOLS = ["curl", "wget", "bash", "python3"]


@pytest.mark.parametrize("tool", TOOLS)
def test_data_goes_by_whatever_the_host_has(servers: Servers, tmp_path: Path, tool: str) -> None:
    place = shutil.which(tool) if tool != "python3" else sys.executable
    if not place:
        pytest.skip(f"{tool} is not installed")
    (few(tmp_path / "bin") / tool).symlink_to(place)
    target = servers.sshd("AllowTcpForwarding remote", f"ForceCommand PATH={tmp_path}/bin sh")
    [trace] = servers.walk(servers.route(target))
    assert at(trace, Stage.DATA) == (Status.PASS, tool)


def few(folder: Path) -> Path:
    """A folder for PATH, with no program that could fetch anything."""
    folder.mkdir()
    for name in ("sh", "timeout", "cat"):
        (folder / name).symlink_to(os.path.realpath(shutil.which(name) or name))
    return folder


@pytest.mark.parametrize("ends", ["kill -SEGV $$", "exit 127"], ids=["it crashes", "it lacks a library"])
def test_a_tool_that_is_broken_proves_nothing(servers: Servers, tmp_path: Path, ends: str) -> None:
    curl = few(tmp_path / "bin") / "curl"
    curl.write_text(f"#!/bin/sh\n{ends}\n", encoding="ascii")
    curl.chmod(0o755)
    target = servers.sshd("AllowTcpForwarding remote", f"ForceCommand PATH={tmp_path}/bin sh")
    [trace] = servers.walk(servers.route(target))
    assert at(trace, Stage.DATA)[0] is Status.SKIPPED


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_proxy_of_the_hosts_own_is_not_asked(servers: Servers, tmp_path: Path, tool: str) -> None:
    place = shutil.which(tool)
    if not place:
        pytest.skip(f"{tool} is not installed")
    (few(tmp_path / "bin") / tool).symlink_to(place)
    for name, keyword in {".wgetrc": "http_proxy", ".curlrc": "proxy"}.items():
        (tmp_path / name).write_text(f"{keyword} = http://127.0.0.1:9\n", encoding="ascii")
    own = f"HOME={tmp_path} http_proxy=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9"
    target = servers.sshd("AllowTcpForwarding remote", f"ForceCommand {own} PATH={tmp_path}/bin sh")
    [trace] = servers.walk(servers.route(target))
    assert at(trace, Stage.DATA) == (Status.PASS, tool)


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        ((), "", ""),
        (("ForceCommand echo no entry",), "", 'the login answers /bin/sh with "no entry"'),
        (("ForceCommand /bin/false",), "", "the login runs nothing"),
        # start-up files that read what is on their input: commands like Kamal's run all the same
        (('ForceCommand read -r one; read -r two; eval "$SSH_ORIGINAL_COMMAND"',), "", ""),
        (('ForceCommand cat; eval "$SSH_ORIGINAL_COMMAND"',), "", ""),
        (("MaxSessions 0",), "", "the host opens no session (open failed)"),
        ((), 'command="/bin/sh"', "the key runs a command of its own"),
        (('ForceCommand eval "$SSH_ORIGINAL_COMMAND"',), "", ""),
    ],
)
def test_what_keeps_commands_from_running_is_told(
    servers: Servers, lines: tuple[str, ...], options: str, said: str
) -> None:
    [trace] = servers.walk(servers.route(servers.sshd(*lines, key_options=options)))
    assert trace.verdict is Verdict.PASS
    assert trace.hops[-1].no_commands == said
    assert ("KF710" in [finding.code for finding in judge(Facts(traces=(trace,)))]) == bool(said)


@pytest.mark.parametrize("docker", [True, False])
def test_a_docker_that_is_not_there_is_told(servers: Servers, tmp_path: Path, docker: bool) -> None:  # noqa: FBT001
    (few(tmp_path / "bin") / ("docker" if docker else "podman")).symlink_to("/bin/sh")
    target = servers.sshd(f"ForceCommand PATH={tmp_path}/bin sh")
    [trace] = servers.walk(servers.route(target))
    assert (Beside.NO_DOCKER in trace.hops[-1].beside) != docker


def test_our_own_end_on_ipv6_is_no_other_listener(servers: Servers) -> None:
    """GatewayPorts yes listens on [::] as well, where our own end answers."""
    [trace] = servers.walk(servers.route(servers.sshd("GatewayPorts yes")))
    assert Beside.OTHER_ON_IPV6 not in trace.hops[-1].beside


def test_gateway_ports_are_told(servers: Servers) -> None:
    target = servers.sshd("GatewayPorts yes")
    [trace] = servers.walk(servers.route(target))
    assert trace.verdict is Verdict.PASS
    assert "KF701" in [finding.code for finding in judge(Facts(traces=(trace,)))]
