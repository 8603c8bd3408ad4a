"""However a walk ends, it ends: hosts that say nothing, time that is up, signals on a real process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from kamal_forward_check.model import Cause, Given, Hop, Purpose, Route, Stage, Status, Vantage, Verdict
from kamal_forward_check.probe.walk import WORKERS, Walk
from tests.probe.servers import ME, Servers, free_port, listening, silent, stop
from tests.waiting import until

PROGRAM = [sys.executable, "-c", "from kamal_forward_check.program import run; run()"]


def cancelled(port: int) -> str:
    """What a target's log has when a forward is given up."""
    return f"cancel-tcpip-forward addr 127.0.0.1 port {port}"


def test_a_host_that_says_nothing_holds_up_no_other(servers: Servers) -> None:
    """The silent one is let go only when the other's data has gone through: were it in the way, none would end."""
    jump, target = servers.sshd(), servers.sshd()
    well = servers.route(jump, target)
    with silent() as host, servers.walking(servers.route(jump, to=host.getsockname()), well) as walk:
        connection, _ = host.accept()
        target.waits_for(cancelled(well.port))
        connection.close()
        stuck, passed = walk.result(20)
    assert passed.verdict is Verdict.PASS
    assert stop(stuck) == ("127.0.0.1", Stage.REACH, Cause.CLOSED_EARLY)


def test_a_jump_that_says_nothing_holds_up_no_other(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    well = servers.route(jump, target)
    with silent() as host:
        mute = replace(well.jumps[0], address="127.0.0.1", port=Given(host.getsockname()[1], "ssh.proxy"))
        ill = Route(Purpose.PULL, (mute, well.target), "127.0.0.1", free_port())
        with servers.walking(ill, well) as walk:
            connection, _ = host.accept()
            target.waits_for(cancelled(well.port))
            connection.close()
            stuck, passed = walk.result(20)
    assert passed.verdict is Verdict.PASS
    assert stuck.failing
    assert (stuck.failing.hop, stuck.hops[1].status) == (mute, Status.SKIPPED)


def test_when_time_is_up_what_was_not_walked_is_not_judged(servers: Servers) -> None:
    """More hosts than are walked at once, and none answers: all are left open, and not one is called a failure."""
    with silent() as host:
        jump = servers.sshd()
        routes = [servers.route(jump, to=host.getsockname()) for _ in range(WORKERS + 4)]
        traces = servers.walk(*routes, seconds=1)
    assert {trace.verdict for trace in traces} == {Verdict.INCOMPLETE}
    assert {trace.hops[1].stages[-1].cause for trace in traces} == {Cause.OUT_OF_TIME}


def test_a_route_has_30_seconds_and_then_says_that_nobody_answers(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamal_forward_check.probe.walk.ROUTE_SECONDS", 0.5)
    with silent() as host:
        [trace] = servers.walk(servers.route(servers.sshd(), to=host.getsockname()))
    assert stop(trace) == ("127.0.0.1", Stage.REACH, Cause.TIMED_OUT)


def test_a_walk_that_is_left_closes_its_connections_and_asks_for_nothing_more(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    routes = [servers.route(jump, target) for _ in range(4)]
    with Walk(routes, servers.system, Vantage.LOCAL, 20):
        jump.waits_for("Accepted publickey")
    until(lambda: all(listening(route.port) == [] for route in routes))
    jump.waits_for("do_cleanup")


def test_no_routes_are_walked_at_once(servers: Servers) -> None:
    assert servers.walk() == ()


# The whole program, by real signals


def project(servers: Servers, target: Hop, port: int) -> subprocess.Popen[str]:
    """The real check of a real deploy.yml under way, in a home of its own."""
    config, ssh = servers.home / "config", servers.home / ".ssh"
    config.mkdir()
    ssh.mkdir(mode=0o700)
    shutil.copy(servers.key, ssh / "id_ed25519")
    (config / "deploy.yml").write_text(
        f"service: shop\nimage: shop\nservers: [{target.address}]\nssh: {{user: {ME}, port: {target.port}}}\n"
        f"registry: {{server: 'localhost:{port}'}}\nbuilder: {{arch: amd64}}\n",
        encoding="utf-8",
    )
    environ = {"HOME": str(servers.home), "LANG": "C.UTF-8"}
    environ |= {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return subprocess.Popen(
        [*PROGRAM, "check"], cwd=servers.home, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_forward_is_up_leaves_no_listener(servers: Servers, kind: signal.Signals) -> None:
    target = servers.sshd("ForceCommand sleep 600")  # data is waited for
    port = free_port()
    with project(servers, servers.route(target).target, port) as process:
        until(lambda: listening(port) != [])
        process.send_signal(kind)
        out, err = process.communicate(timeout=15)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    until(lambda: listening(port) == [])


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_host_says_nothing_ends_the_check(servers: Servers, kind: signal.Signals) -> None:
    with silent() as host:
        address, number = host.getsockname()
        target = replace(servers.route(servers.sshd()).target, address=address, port=Given(number, "ssh.port"))
        with project(servers, target, free_port()) as process:
            connection, _ = host.accept()
            process.send_signal(kind)
            _, err = process.communicate(timeout=15)
            connection.close()
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_the_whole_program_walks_a_route(servers: Servers) -> None:
    target = servers.sshd()
    with project(servers, servers.route(target).target, free_port()) as process:
        out, err = process.communicate(timeout=15)
    assert process.returncode == 0, out + err


# A route's time

SLOW_BRIDGE = (
    "python3 -c 'import os, socket, threading, time\n"
    's = socket.create_connection(("HOST", PORT))\n'
    "def pump():\n"
    "    while (d := os.read(0, 65536)): s.sendall(d)\n"
    "threading.Thread(target=pump, daemon=True).start()\n"
    "while (d := s.recv(65536)): time.sleep(0.4); os.write(1, d)'"
)
"""Each answer comes late, and none so late that one step alone would take too long."""


def test_a_routes_time_is_for_all_its_steps_together(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kamal_forward_check.probe.walk.ROUTE_SECONDS", 2.0)
    target = servers.sshd()
    command = SLOW_BRIDGE.replace("PORT", str(target.port)).replace("HOST", target.host)
    route = servers.route(target)
    hop = replace(route.target, proxy_command=Given(command, "ssh.proxy_command"))
    [trace] = servers.walk(replace(route, hops=(hop,)))
    assert stop(trace)[1:] in ((Stage.LOGIN, Cause.TIMED_OUT), (Stage.REACH, Cause.PROXY_COMMAND))  # by how far it came


def test_a_connection_that_falls_silent_is_lost_and_not_out_of_time(servers: Servers) -> None:
    target = servers.sshd("ForceCommand kill -STOP $PPID; sleep 600")
    [trace] = servers.walk(servers.route(target), seconds=8)
    assert stop(trace) == (target.host, Stage.DATA, Cause.LOST)


def test_a_refusal_stands_where_time_is_up_before_its_reason_is_known(servers: Servers) -> None:
    target = servers.sshd("AllowTcpForwarding no", "ForceCommand sleep 600")
    [trace] = servers.walk(servers.route(target), seconds=5)
    assert stop(trace) == (target.host, Stage.LISTEN, Cause.LISTEN_DENIED)
