"""The forward asked for, data sent, reasons heard: on real sshd's, and without a trace on them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kamal_forward_check.model import Aside, Beside, Cause, Role, Stage, Status, Trace, Verdict
from kamal_forward_check.probe import data
from kamal_forward_check.probe.data import Flow, send
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.registry_stub import RegistryStub
from kamal_forward_check.probe.target import probe
from kamal_forward_check.rules import Facts, judge
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED, PERMIT_REFUSED
from tests.probe.servers import ME, Servers, Sshd, codes, free_port, listening, stop

needs_ss = pytest.mark.skipif(not shutil.which("ss"), reason="ss is not installed")


def at(trace: Trace, stage: Stage) -> tuple[Status, str]:
    """How a stage of the target ended, and what was noted."""
    seen = trace.hops[-1].at(stage)
    assert seen, f"{stage} was not come to"
    return seen.status, seen.detail


# Reasons


@pytest.mark.parametrize(
    ("lines", "code", "change_to"),
    [
        (["AllowTcpForwarding no"], "KF510", "AllowTcpForwarding remote"),
        (["AllowTcpForwarding local"], "KF510", "AllowTcpForwarding yes"),
        (["DisableForwarding yes"], "KF511", "DisableForwarding no"),
        (["PermitListen localhost:5555"], "KF512", "PermitListen localhost:5555 127.0.0.1:{port}"),
        (["Match all", "\tallowtcpforwarding = NO  # why"], "KF510", "allowtcpforwarding = remote  # why"),
    ],
)
def test_a_refusal_names_its_line(servers: Servers, lines: list[str], code: str, change_to: str) -> None:
    target = servers.sshd(*lines)
    route = servers.route(target)
    [trace] = servers.walk(route)
    [finding] = [f for f in judge(Facts(traces=(trace,))) if f.severity == "error"]
    assert finding.code == code
    line = finding.server_line
    assert line
    assert (line.file, line.certainty) == (str(target.config), "exact")
    assert line.change_to.strip() == change_to.format(port=route.port)
    text = target.config.read_text(encoding="utf-8").splitlines()
    assert line.line
    assert text[line.line - 1] == line.current


@pytest.mark.parametrize(
    ("options", "code", "change_to"),
    [
        ("restrict", "KF501", "restrict,port-forwarding"),
        ("no-port-forwarding,no-pty", "KF501", "no-pty"),
        ('permitlisten="localhost:5555"', "KF513", 'permitlisten="localhost:5555",permitlisten="127.0.0.1:{port}"'),
    ],
)
def test_a_refusal_by_the_key_names_its_line(servers: Servers, options: str, code: str, change_to: str) -> None:
    target = servers.sshd(key_options=options)
    route = servers.route(target)
    [trace] = servers.walk(route)
    [finding] = [f for f in judge(Facts(traces=(trace,))) if f.severity == "error"]
    assert finding.code == code
    assert finding.server_line
    assert (finding.server_line.file, finding.server_line.line) == (str(target.authorized_keys), 1)
    assert finding.server_line.change_to == change_to.format(port=route.port)


def test_what_sshd_says_of_our_own_questions_is_no_reason_of_the_refusal(servers: Servers) -> None:
    """To the question about streamlocal forwards sshd says "port forwarding refused", as to a PermitListen."""
    target = servers.sshd("AllowTcpForwarding no", key_options='command="false"')
    [trace] = servers.walk(servers.route(target))
    seen = trace.hops[0]
    assert PERMIT_REFUSED in seen.asides[Aside.STREAMLOCAL].debug
    assert [text for text in seen.heard.debug if "key options" not in text] == [FORWARDING_DISABLED]
    assert codes(trace) == ["KF510"]


# Nothing is left, nothing is run


def test_where_the_key_names_a_command_none_is_run(servers: Servers, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    options = f'command="touch {marker}"'
    well, ill = servers.sshd(key_options=options), servers.sshd("AllowTcpForwarding no", key_options=options)
    passed, _ = servers.walk(servers.route(well), servers.route(ill))
    assert at(passed, Stage.DATA) == (Status.PASS, "a channel back")
    assert not marker.exists()
    assert "Starting session" not in well.log + ill.log


@pytest.mark.parametrize("lines", [(), ("AllowTcpForwarding no",), ("PermitListen 1",)], ids=["pass", "off", "list"])
def test_nothing_is_left_on_the_host(servers: Servers, lines: tuple[str, ...]) -> None:
    target = servers.sshd(*lines)
    route = servers.route(target)
    before = _files(target.folder)
    servers.walk(route)
    assert listening(route.port) == []
    assert _files(target.folder) == before


def _files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.name != "log"}


# The port

IN_USE = "cannot listen to port"


@contextmanager
def forward(server: Sshd, key: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Another deploy of the same user, by the system's own ssh."""
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "ExitOnForwardFailure=yes"]
    argv = ["ssh", "-F", "none", "-n", "-N", "-i", str(key), "-p", str(server.port), *(f"-o{o}" for o in options)]
    argv += ["-R", f"127.0.0.1:{port}:127.0.0.1:9", f"{ME}@{server.host}"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        try:
            server.waits_for(f"Local forwarding listening on 127.0.0.1 port {port}")
            yield process
        finally:
            process.kill()


@needs_ss
def test_a_port_that_another_forward_gives_up_is_granted_in_the_end(servers: Servers) -> None:
    target = servers.sshd()
    route = servers.route(target)
    with forward(target, servers.key, route.port) as other, servers.walking(route) as walk:
        target.waits_for(IN_USE, times=2)  # it was asked who holds the port, and then for the port again
        other.kill()
        [trace] = walk.result(20)
    assert trace.verdict is Verdict.PASS


def test_a_port_that_is_free_by_the_time_the_host_is_asked_is_asked_for_again(servers: Servers) -> None:
    target = servers.sshd(f"ForceCommand until [ -e {servers.folder}/go ]; do sleep 0.01; done; sh")
    with socket.create_server(("127.0.0.1", 0)) as server:
        route = servers.route(target, port=server.getsockname()[1])
        with servers.walking(route) as walk:
            target.waits_for(IN_USE)
            server.close()
            (servers.folder / "go").touch()
            [trace] = walk.result(20)
    assert trace.verdict is Verdict.PASS


@needs_ss
def test_a_port_that_another_forward_keeps_is_named_so(servers: Servers) -> None:
    target = servers.sshd()
    route = servers.route(target)
    live, notes, over = servers.enter(route.target), Notes(route.target), threading.Event()
    with forward(target, servers.key, route.port), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(probe, live, notes, route, lambda: 60.0, over)
        target.waits_for(IN_USE, times=3)
        over.set()
        asked.result(10)
    trace = Trace(route, (notes.trace(),))
    assert stop(trace) == (target.host, Stage.LISTEN, Cause.LISTEN_BUSY)
    assert codes(trace) == ["KF521"]


def test_a_port_that_a_program_holds_is_not_asked_for_again(servers: Servers) -> None:
    target = servers.sshd()
    with socket.create_server(("127.0.0.1", 0)) as server:
        [trace] = servers.walk(servers.route(target, port=server.getsockname()[1]))
    assert stop(trace) == (target.host, Stage.LISTEN, Cause.LISTEN_DENIED)
    assert codes(trace) == ["KF520"]
    assert target.log.count("tcpip-forward listen") == 1


# Data


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
