"""Kamal's own ssh over the jumps, where our SSH library can't tell: the real ssh on real sshd's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import run

import pytest

from kamal_forward_check.model import (
    Cause,
    Given,
    HostKeyRule,
    Keys,
    Route,
    Stage,
    Status,
    Trace,
    Vantage,
    Verdict,
)
from kamal_forward_check.probe import walk
from kamal_forward_check.probe.children import Children
from kamal_forward_check.probe.crossing import BY_SSH
from kamal_forward_check.probe.kamals_ssh import KamalsSsh
from kamal_forward_check.probe.keys import KeyRing
from kamal_forward_check.system import System
from tests.probe.servers import ME, Servers, Sshd, codes, free_port, make_key, public, silent, stop

OURS_LACKS = "KexAlgorithms sntrup761x25519-sha512@openssh.com"
"""What ssh has and our library has not."""


def ssh_config(servers: Servers, lines: str = "", key: Path | None = None) -> Path:
    """An ssh_config for the jumps: their key, and what else a test wants."""
    config = servers.folder / "ssh_config"
    config.write_text(f"{lines}\nHost *\n  IdentityFile {key or servers.key}\n", encoding="utf-8")
    return config


def by_ssh(servers: Servers, *on_the_way: Sshd, config: Path, to: tuple[str, int] | None = None) -> Route:
    """A route, with the ssh that Kamal would call for it."""
    jumps = on_the_way if to else on_the_way[:-1]
    route = servers.route(*on_the_way, to=to)
    *others, last = jumps
    more = ("-J", ",".join(f"{ME}@{jump.host}:{jump.port}" for jump in others)) if others else ()
    target = f"{route.target.address}:{route.target.port}"
    ssh = ("ssh", "-l", ME, "-p", str(last.port), *more, "-F", str(config), "-W", target, last.host)
    return replace(route, ssh=ssh)


def children(system: System) -> Children:
    return Children(system, KeyRing(system))


def seen(trace: Trace, number: int) -> list[tuple[Stage, Status]]:
    return [(each.stage, each.status) for each in trace.hops[number].stages]


ENTERED = [(stage, Status.PASS) for stage in (Stage.REACH, Stage.LOGIN, Stage.FORWARD)]
"""What is proven of a jump that ssh alone entered."""


def test_its_pipe_carries_the_walk(servers: Servers) -> None:
    jump, target = servers.sshd(OURS_LACKS), servers.sshd()
    [trace] = servers.walk(by_ssh(servers, jump, target, config=ssh_config(servers)))
    assert trace.verdict is Verdict.PASS
    assert seen(trace, 0) == ENTERED
    login = trace.hops[0].at(Stage.LOGIN)
    assert login
    assert login.detail == BY_SSH
    assert trace.hops[1].opened_by == str(servers.key)
    assert jump.log.count("Accepted publickey") == 1


@pytest.mark.parametrize("strange", [0, 1], ids=["the first", "the second"])
def test_two_jumps_of_which_our_library_can_not_enter_one(servers: Servers, strange: int) -> None:
    jumps = [servers.sshd(*([OURS_LACKS] if number == strange else [])) for number in (0, 1)]
    target = servers.sshd()
    [trace] = servers.walk(by_ssh(servers, *jumps, target, config=ssh_config(servers)))
    assert trace.verdict is Verdict.PASS
    assert seen(trace, strange) == ENTERED
    assert seen(trace, 1 - strange)[-1] == (Stage.FORWARD, Status.PASS)


def test_many_targets_each_by_an_ssh_of_its_own(servers: Servers) -> None:
    jump, targets = servers.sshd(OURS_LACKS), [servers.sshd() for _ in range(3)]
    config = ssh_config(servers)
    down = by_ssh(servers, jump, config=config, to=("127.0.0.1", free_port()))
    traces = servers.walk(down, *(by_ssh(servers, jump, target, config=config) for target in targets))
    assert [trace.verdict for trace in traces] == [Verdict.FAIL, *[Verdict.PASS] * 3]
    assert stop(traces[0]) == ("127.0.0.1", Stage.REACH, Cause.REFUSED)
    assert seen(traces[0], 0) == ENTERED
    assert jump.log.count("Accepted publickey") == 4


def test_a_jump_that_lets_nobody_in_is_asked_once(servers: Servers) -> None:
    jump, target = servers.sshd(OURS_LACKS), servers.sshd()
    jump.authorize()
    config = ssh_config(servers)
    traces = servers.walk(*(by_ssh(servers, jump, target, config=config) for _ in range(5)))
    assert {stop(trace) for trace in traces} == {(jump.host, Stage.LOGIN, Cause.LOGIN_REFUSED)}
    assert codes(*traces) == ["KF301"]
    jump.waits_for("Connection closed by authenticating user")
    assert jump.log.count("Connection closed by authenticating user") == 1


def test_a_jump_that_forbids_forwards(servers: Servers) -> None:
    jump, target = servers.sshd(OURS_LACKS, "AllowTcpForwarding no"), servers.sshd()
    [trace] = servers.walk(by_ssh(servers, jump, target, config=ssh_config(servers)))
    assert stop(trace) == (jump.host, Stage.FORWARD, Cause.PROHIBITED)
    assert seen(trace, 0)[:-1] == ENTERED[:-1]


def test_the_first_of_two_jumps_forbids_forwards(servers: Servers) -> None:
    first, second, target = servers.sshd(OURS_LACKS, "AllowTcpForwarding no"), servers.sshd(), servers.sshd()
    [trace] = servers.walk(by_ssh(servers, first, second, target, config=ssh_config(servers)))
    assert stop(trace) == (first.host, Stage.FORWARD, Cause.PROHIBITED)
    assert seen(trace, 1) == []


def test_a_jump_that_ssh_does_not_know(servers: Servers) -> None:
    jump, target = servers.sshd(OURS_LACKS), servers.sshd()
    route = by_ssh(servers, jump, target, config=ssh_config(servers))
    hop = replace(route.hops[0], host_key_rule=HostKeyRule((jump.host,), (), accept_unknown=False))
    [trace] = servers.walk(replace(route, hops=(hop, route.hops[1])))
    assert stop(trace) == (jump.host, Stage.HOST_KEY, Cause.HOST_KEY_UNKNOWN)
    assert codes(trace) == ["KF210"]


def test_a_target_that_closes_at_once_is_no_fault_of_the_jump(servers: Servers) -> None:
    jump = servers.sshd(OURS_LACKS)
    with silent() as deaf:
        route = by_ssh(servers, jump, config=ssh_config(servers), to=deaf.getsockname()[:2])
        with servers.walking(route) as walking:
            deaf.accept()[0].close()
            [trace] = walking.result()
    assert stop(trace) == ("127.0.0.1", Stage.REACH, Cause.CLOSED_EARLY)
    assert seen(trace, 0) == ENTERED


def test_a_target_that_says_nothing_is_given_up_in_time(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "ROUTE_SECONDS", 6.0)
    jump = servers.sshd(OURS_LACKS)
    with silent() as deaf:
        route = by_ssh(servers, jump, config=ssh_config(servers), to=deaf.getsockname()[:2])
        [trace] = servers.walk(route)
    assert stop(trace) == ("127.0.0.1", Stage.REACH, Cause.TIMED_OUT)
    assert seen(trace, 0) == ENTERED
    jump.waits_for("Disconnected from user")  # its ssh is gone with the walk


# What our library lacks


def in_place(route: Route, **more: object) -> Route:
    """The route, with its first jump otherwise."""
    return replace(route, hops=(replace(route.hops[0], **more), *route.hops[1:]))  # type: ignore[arg-type]


def test_a_host_certificate_is_known_by_its_authority(servers: Servers, tmp_path: Path) -> None:
    authority = make_key(tmp_path / "authority")
    (servers.folder / "certified").mkdir()
    key = make_key(servers.folder / "certified" / "host_key")
    run(["ssh-keygen", "-q", "-s", authority, "-I", "host", "-h", "-n", "127.0.0.2", f"{key}.pub"], check=True)
    jump, target = servers.sshd(f"HostCertificate {key}-cert.pub", folder="certified"), servers.sshd()
    names = (f"[{jump.host}]:{jump.port}",)
    rule = HostKeyRule(names, (), accept_unknown=False, lines=f"@cert-authority {names[0]} {public(authority)}")
    route = by_ssh(servers, jump, target, config=ssh_config(servers))
    [trace] = servers.walk(in_place(route, host_key_rule=rule))
    assert trace.verdict is Verdict.PASS
    assert trace.hops[0].at(Stage.LOGIN)
    [trace] = servers.walk(in_place(replace(route, ssh=()), host_key_rule=rule))
    assert trace.verdict is Verdict.INCOMPLETE


def test_a_key_with_a_passphrase_that_ssh_can_not_use_either(servers: Servers, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", "-N", "secret")
    jump, target = servers.sshd(), servers.sshd()
    route = by_ssh(servers, jump, target, config=ssh_config(servers, key=locked))
    [trace] = servers.walk(in_place(route, keys=Keys(files=(Given(str(locked), "ssh_config"),))))
    assert stop(trace) == (jump.host, Stage.LOGIN, Cause.LOGIN_REFUSED)
    assert trace.failing
    assert trace.failing.stopped
    assert "Permission denied" in trace.failing.stopped.detail
    assert "needs its passphrase" in trace.failing.stopped.detail


@contextmanager
def a_master(servers: Servers, jump: Sshd) -> Iterator[str]:
    """A connection to the jump that stands already; gives the line of ssh_config that names it."""
    path = servers.folder / "master"
    config = servers.folder / "master_config"
    config.write_text(f"ControlPath {path}\nIdentityFile {servers.key}\nStrictHostKeyChecking no\n", encoding="utf-8")
    at = ["-F", str(config), "-p", str(jump.port), f"{ME}@{jump.host}"]
    run(["ssh", "-q", "-M", "-N", "-f", "-o", f"UserKnownHostsFile={path}.known", *at], check=True)
    try:
        yield f"ControlPath {path}"
    finally:
        run(["ssh", "-q", "-O", "exit", *at], check=True, capture_output=True)


def test_a_connection_that_stands_is_used_and_left_standing(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    with a_master(servers, jump) as line:
        jump.authorize()
        keys = Keys(files=(Given(str(servers.key), "ssh_config"),), missing="ssh may use a connection that is open")
        route = by_ssh(servers, jump, target, config=ssh_config(servers, line))
        for _ in range(2):
            [trace] = servers.walk(in_place(route, keys=keys))
            assert trace.verdict is Verdict.PASS
    assert jump.log.count("Accepted publickey") == 1


def test_what_a_standing_connection_refuses_decides_nothing(servers: Servers) -> None:
    jump, target = servers.sshd("AllowTcpForwarding no"), servers.sshd()
    with a_master(servers, jump) as line:
        jump.authorize()
        keys = Keys(files=(Given(str(servers.key), "ssh_config"),), missing="ssh may use a connection that is open")
        [trace] = servers.walk(in_place(by_ssh(servers, jump, target, config=ssh_config(servers, line)), keys=keys))
    assert trace.verdict is Verdict.INCOMPLETE
    login = trace.hops[0].at(Stage.LOGIN)
    assert login
    assert "Kamal's own ssh: " in login.detail


# What it leaves


@pytest.mark.parametrize("checking", ["accept-new", "no"])
def test_nothing_of_the_users_is_written(servers: Servers, checking: str) -> None:
    jump, target = servers.sshd(OURS_LACKS), servers.sshd()
    known = servers.folder / "known"
    known.write_text("other ssh-ed25519 AAAA\n", encoding="utf-8")
    lines = f"StrictHostKeyChecking {checking}\nUserKnownHostsFile {known}\nControlPath {servers.folder}/cm\n"
    lines += "ControlMaster auto\nControlPersist 60\nUpdateHostKeys yes\n"
    route = by_ssh(servers, jump, target, config=ssh_config(servers, lines))
    rule = HostKeyRule((jump.host,), (str(known),), accept_unknown=True)
    before = {path: path.read_bytes() for path in servers.folder.iterdir() if path.is_file()}
    [trace] = servers.walk(in_place(route, host_key_rule=rule))
    assert trace.verdict is Verdict.PASS
    assert {path: path.read_bytes() for path in servers.folder.iterdir() if path.is_file()} == before
    jump.waits_for("Disconnected from user")


def test_a_forward_that_a_file_asks_for_is_not_made(servers: Servers) -> None:
    jump, target, port = servers.sshd(OURS_LACKS), servers.sshd(), free_port()
    lines = f"ClearAllForwardings no\nRemoteForward 127.0.0.1:{port} /var/run/docker.sock\n"
    [trace] = servers.walk(by_ssh(servers, jump, target, config=ssh_config(servers, lines)))
    assert trace.verdict is Verdict.PASS
    assert str(port) not in jump.log


def test_the_very_file_that_is_named_is_read(servers: Servers) -> None:
    jump, target, mark = servers.sshd(OURS_LACKS), servers.sshd(), servers.folder / "mark"
    named = ssh_config(servers).rename(servers.folder / "[a]")
    (servers.folder / "a").write_text(f'Match exec "touch {mark}"\n', encoding="utf-8")
    [trace] = servers.walk(by_ssh(servers, jump, target, config=named))
    assert trace.verdict is Verdict.PASS
    assert not mark.exists()


def test_its_own_files_are_gone(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    ssh = KamalsSsh(children(servers.system))
    command = ssh.start(by_ssh(servers, jump, target, config=ssh_config(servers)))
    folder = ssh._folder  # noqa: SLF001 - what is to be gone
    assert folder
    assert folder.stat().st_mode & 0o77 == 0
    assert jump.pin in (folder / "config-0-known_hosts-0").read_text(encoding="utf-8")
    command.close()
    ssh.close()
    assert not folder.exists()


# Where it is not asked


def test_what_stops_it_in_a_container_need_not_stop_kamals(servers: Servers) -> None:
    jump, target = servers.sshd("AuthorizedKeysFile /dev/null", OURS_LACKS), servers.sshd()
    route = by_ssh(servers, jump, target, config=ssh_config(servers))
    keys = Keys(missing="deploy.yml names a key that is not here")
    verdicts = [servers.walk(in_place(route, keys=keys), vantage=vantage)[0].verdict for vantage in Vantage]
    assert dict(zip(Vantage, verdicts, strict=True))[Vantage.CONTAINER] is Verdict.INCOMPLETE


def test_in_a_container_it_is_not_asked_for_what_our_library_can_do(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    route = by_ssh(servers, jump, target, config=ssh_config(servers))
    [trace] = servers.walk(in_place(route, keys=Keys()), vantage=Vantage.CONTAINER)
    assert trace.verdict is Verdict.INCOMPLETE
    login = trace.hops[0].at(Stage.LOGIN)
    assert login
    assert "Kamal's own ssh" not in login.detail


def test_without_an_ssh_nothing_is_concluded(servers: Servers, tmp_path: Path) -> None:
    system = replace(servers.system, environ={"PATH": str(tmp_path)})
    assert not KamalsSsh(children(system)).is_here
    assert KamalsSsh(children(servers.system)).is_here


def test_where_our_library_is_sure_ssh_is_not_asked(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    jump.authorize()
    [trace] = servers.walk(by_ssh(servers, jump, target, config=ssh_config(servers)))
    assert stop(trace) == (jump.host, Stage.LOGIN, Cause.LOGIN_REFUSED)
    jump.waits_for("Connection closed by authenticating user")
    assert jump.log.count("Connection closed by authenticating user") == 1


def test_given_keys_stand_for_those_of_the_agent(servers: Servers, tmp_path: Path) -> None:
    jump, target = servers.sshd(OURS_LACKS), servers.sshd()
    other = make_key(tmp_path / "other")
    route = by_ssh(servers, jump, target, config=ssh_config(servers, key=other))
    [trace] = servers.walk(in_place(route, keys=Keys(identities=(Given(str(servers.key), "--identity"),))))
    assert trace.verdict is Verdict.PASS
