"""A port on the target that something else holds."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from kamal_forward_check.model import Cause, Stage, Trace, Verdict
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.target import probe
from tests.probe.servers import ME, Servers, Sshd, codes, stop

needs_ss = pytest.mark.skipif(not shutil.which("ss"), reason="ss is not installed")

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
