"""Whole walks over real sshd's in this process: what is seen, of whom, and that nothing is left."""

from __future__ import annotations

import pytest
from paramiko import SSHException

from kamal_forward_check.model import Cause, Role, Severity, Stage, Status, Verdict
from kamal_forward_check.rules import Facts, judge
from tests.probe.servers import Servers, codes, listening, silent, stop

# All well


def test_a_forward_is_granted_carries_data_and_is_given_up(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    route = servers.route(jump, target)
    [trace] = servers.walk(route)
    assert trace.verdict is Verdict.PASS
    assert [(s.stage, s.status) for s in trace.hops[0].stages] == [
        (stage, Status.PASS) for stage in (Stage.REACH, Stage.HOST_KEY, Stage.LOGIN, Stage.FORWARD)
    ]
    assert [(s.stage, s.status) for s in trace.hops[1].stages] == [
        (stage, Status.PASS) for stage in (Stage.REACH, Stage.HOST_KEY, Stage.LOGIN, Stage.LISTEN, Stage.DATA)
    ]
    assert trace.hops[1].opened_by == str(servers.key)
    assert trace.hops[1].held_ms > 0
    assert listening(route.port) == []


def test_what_is_listened_on_is_what_kamal_asks_for(servers: Servers) -> None:
    target = servers.sshd("GatewayPorts clientspecified")
    route = servers.route(target)
    servers.walk(route)
    assert f"tcpip-forward listen 127.0.0.1 port {route.port}" in target.log


def test_12_targets_share_one_login_on_their_jump(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    traces = servers.walk(*(servers.route(jump, target) for _ in range(12)))
    assert {trace.verdict for trace in traces} == {Verdict.PASS}
    assert jump.log.count("Accepted publickey") == 1
    assert target.log.count("Accepted publickey") == 12


def test_a_jump_is_shared_where_routes_part_behind_it(servers: Servers) -> None:
    first, second, target = servers.sshd(), servers.sshd(), servers.sshd()
    traces = servers.walk(servers.route(first, target), servers.route(first, second, target))
    assert {trace.verdict for trace in traces} == {Verdict.PASS}
    assert first.log.count("Accepted publickey") == 1


def test_traces_come_in_the_routes_order(servers: Servers) -> None:
    routes = [servers.route(servers.sshd()) for _ in range(3)]
    assert [trace.route for trace in servers.walk(*routes)] == routes


def test_nothing_of_this_machine_is_read_behind_our_back(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    jump, target = servers.sshd(), servers.sshd()
    ssh = servers.home / ".ssh"
    ssh.mkdir()
    (ssh / "config").write_text("Host *\n  ProxyCommand false\n  ProxyJump nowhere\n  User nobody\n", encoding="utf-8")
    (ssh / "known_hosts").write_text("@revoked * ssh-ed25519 AAAA\nnot a line\n", encoding="utf-8")
    (servers.home / ".fabric.yml").write_text(
        "user: nobody\nconnect_kwargs: {key_filename: nothing}\n", encoding="utf-8"
    )
    for name, value in {"HOME": str(servers.home), "FABRIC_USER": "nobody", "INVOKE_RUN_ECHO": "1"}.items():
        monkeypatch.setenv(name, value)
    [trace] = servers.walk(servers.route(jump, target))
    assert trace.verdict is Verdict.PASS


# Who stops a route


def test_the_hop_that_refuses_is_named_in_a_chain(servers: Servers) -> None:
    good, bad, target = servers.sshd(), servers.sshd("AllowTcpForwarding no"), servers.sshd()
    first, second = servers.walk(servers.route(bad, good, target), servers.route(good, bad, target))
    assert stop(first) == stop(second) == (bad.host, Stage.FORWARD, Cause.PROHIBITED)
    assert first.hops[0].host_said
    assert second.hops[1].host_said
    assert codes(first, second) == ["KF410"]  # one line of one sshd, whatever the way to it


def test_a_hop_that_cannot_be_reached_is_not_blamed_on_the_jump(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    target.stop()
    [trace] = servers.walk(servers.route(jump, target))
    assert stop(trace) == (target.host, Stage.REACH, Cause.REFUSED)
    assert trace.hops[0].status is Status.PASS


def test_a_jump_that_forwards_to_one_host_and_not_to_another(servers: Servers) -> None:
    one, other = servers.sshd(), servers.sshd()
    jump = servers.sshd(f"PermitOpen {one.host}:*")
    well, ill = servers.walk(servers.route(jump, one), servers.route(jump, other))
    assert well.verdict is Verdict.PASS
    assert stop(ill) == (jump.host, Stage.FORWARD, Cause.PROHIBITED)
    [finding] = [f for f in judge(Facts(traces=(well, ill))) if f.severity is Severity.ERROR]
    assert (finding.code, finding.affects) == ("KF412", (other.host,))
    assert finding.server_line
    assert finding.server_line.change_to == f"PermitOpen {one.host}:* {other.host}:{other.port}"


def test_a_jump_is_asked_once_however_many_hosts_it_closes(servers: Servers) -> None:
    jump, target = servers.sshd("AllowTcpForwarding remote"), servers.sshd()
    traces = servers.walk(*(servers.route(jump, target) for _ in range(8)))
    assert codes(*traces) == ["KF410"]
    assert jump.log.count("Starting session: command") == 1


def test_on_a_jump_that_passes_no_command_is_run(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd("AllowTcpForwarding no")
    [trace] = servers.walk(servers.route(jump, target))
    assert stop(trace)[0] == target.host
    assert "Starting session" not in jump.log


def test_a_jump_that_dies_is_not_dialled_again_and_takes_the_blame(servers: Servers) -> None:
    jump = servers.sshd()
    with silent() as host:
        routes = [servers.route(jump, to=host.getsockname()) for _ in range(20)]
        with servers.walking(*routes) as walk:
            under_way = [host.accept()[0] for _ in range(16)]  # as many as are walked at once
            jump.stop()
            traces = walk.result(10)
            for connection in under_way:
                connection.close()
    assert {stop(trace) for trace in traces} == {(jump.host, Stage.FORWARD, Cause.LOST)}
    assert codes(*traces) == ["KF602"]
    assert jump.log.count("Connection from") == 1


@pytest.mark.parametrize("error", [EOFError(), OSError("Socket is closed"), SSHException("Channel is not open")])
def test_what_a_connection_goes_through_may_be_gone_when_it_is_closed(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    live = servers.enter(servers.hop(servers.sshd(), Role.TARGET))

    def close() -> None:
        raise error

    with monkeypatch.context() as gone:
        gone.setattr(live.connection.client, "close", close)
        live.close()
    assert live.closed
    live.close()
