"""The agent that the commands of a walk are given, asked by the real ssh, ssh-add and ssh-keygen."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from subprocess import run

import pytest

from kamal_forward_check import private_keys
from kamal_forward_check.model import (
    Cause,
    Given,
    Hop,
    HostKeyRule,
    Keys,
    Purpose,
    Role,
    Route,
    Stage,
    Vantage,
    Verdict,
)
from kamal_forward_check.probe.children import Children
from kamal_forward_check.probe.keys import KeyRing
from kamal_forward_check.probe.private_agent import PrivateAgent
from tests.probe.servers import ME, Servers, Sshd, agent, free_port, make_key, public, stop
from tests.probe.test_kamals_ssh import OURS_LACKS, by_ssh, in_place, ssh_config

KINDS = {"ed25519": (), "ecdsa": ("-t", "ecdsa"), "rsa": ("-t", "rsa", "-b", "2048")}


def as_text(*keys: Path) -> Given[str]:
    """Keys as the input ssh-private-key has them."""
    return Given(private_keys.read("".join(key.read_text(encoding="ascii") for key in keys)).text, "ssh-private-key")


@contextmanager
def private(servers: Servers, *given: Given[str], beside: str | None = None) -> Iterator[PrivateAgent]:
    ring = KeyRing(servers.system)
    made = PrivateAgent({each.source: ring.keys(each) for each in given}, beside)
    try:
        yield made
    finally:
        made.close()


def asked(socket_of: PrivateAgent, *command: str | Path) -> str:
    """What one of OpenSSH's own commands says of the agent."""
    environ = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": str(socket_of.path)}
    done = run(command, env=environ, check=False, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside an agent"])
def test_openssh_lists_its_keys_and_has_them_sign(servers: Servers, tmp_path: Path, *, beside: bool) -> None:
    keys = [make_key(tmp_path / kind, *how) for kind, how in KINDS.items()]
    with (
        agent(tmp_path, servers.key) if beside else nullcontext() as there,
        private(servers, as_text(*keys), beside=there) as ours,
    ):
        listed = asked(ours, "ssh-add", "-L").splitlines()
        expected = [*([servers.key] if beside else []), *keys]
        assert [line.split()[:2] for line in listed] == [public(key).split() for key in expected]
        for key in expected:
            assert asked(ours, "ssh-add", "-T", f"{key}.pub") == ""


def test_nothing_can_be_added_removed_or_locked(servers: Servers, tmp_path: Path) -> None:
    with agent(tmp_path, servers.key) as there, private(servers, as_text(servers.key), beside=there) as ours:
        assert "agent refused operation" in asked(ours, "ssh-add", make_key(tmp_path / "more"))
        assert "Failed to remove all identities" in asked(ours, "ssh-add", "-D")
        assert len(asked(ours, "ssh-add", "-l").splitlines()) == 1


def test_what_no_agent_would_answer_ends_the_connection_alone(servers: Servers) -> None:
    with private(servers, as_text(servers.key)) as ours:
        for packet in (b"", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\5\x0d\0\0\0\1"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(ours.path))
                client.sendall(packet)
                client.shutdown(socket.SHUT_WR)
                assert client.recv(100) in (b"", b"\0\0\0\1\5")
        assert len(asked(ours, "ssh-add", "-l").splitlines()) == 1


def test_its_socket_is_for_us_alone_and_gone_at_the_end(servers: Servers) -> None:
    with private(servers, as_text(servers.key)) as ours:
        folder = ours.path.parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [path.name for path in folder.iterdir()] == ["agent"]
    assert not folder.exists()


# For a command that leads to a hop


def by_command(servers: Servers, jump: Sshd, target: Sshd, *given: Given[str], keys: Keys | None = None) -> Route:
    """A route whose proxy command is an ssh over `jump`, which knows of no key but those of its agent."""
    known = servers.folder / "known_hosts"
    known.write_text(jump.pin, encoding="utf-8")
    config = servers.folder / "command_config"
    config.write_text(f"BatchMode yes\nIdentityFile none\nUserKnownHostsFile {known}\n", encoding="utf-8")
    command = f"ssh -F {config} -p {jump.port} -W {target.host}:{target.port} {ME}@{jump.host}"
    hop = replace(servers.hop(target, Role.TARGET, keys=keys), proxy_command=Given(command, "ssh.proxy_command"))
    return Route(Purpose.PULL, (hop,), "127.0.0.1", free_port(), identities=given)


def test_a_proxy_command_logs_in_with_a_key_that_is_text(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    [trace] = servers.walk(by_command(servers, jump, target, as_text(servers.key)))
    assert trace.verdict is Verdict.PASS
    assert jump.log.count("Accepted publickey") == 1


def test_without_the_key_it_does_not(servers: Servers) -> None:
    jump, target = servers.sshd(), servers.sshd()
    [trace] = servers.walk(by_command(servers, jump, target))
    assert stop(trace) == (target.host, Stage.REACH, Cause.PROXY_COMMAND)


def test_of_several_keys_with_a_passphrase_each_hop_takes_its_own(servers: Servers, tmp_path: Path) -> None:
    keys = [make_key(tmp_path / name, "-N", "correct horse") for name in ("of-nobody", "of-jump", "of-target")]
    jump, target = servers.sshd(), servers.sshd()
    jump.authorize(public(keys[1]))
    target.authorize(public(keys[2]))
    text = private_keys.read("".join(key.read_text(encoding="ascii") for key in keys), "correct horse").text
    given = Given(text, "ssh-private-key")
    [trace] = servers.walk(by_command(servers, jump, target, given, keys=Keys(identities=(given,))))
    assert trace.verdict is Verdict.PASS


def test_a_key_of_the_agent_that_is_there_still_counts(servers: Servers, tmp_path: Path) -> None:
    jump, target, other = servers.sshd(), servers.sshd(), make_key(tmp_path / "other")
    with agent(tmp_path, servers.key) as there:
        servers.environ = {"SSH_AUTH_SOCK": there}
        [trace] = servers.walk(by_command(servers, jump, target, as_text(other)))
    assert trace.verdict is Verdict.PASS


def test_kamals_own_ssh_has_a_key_that_is_text(servers: Servers, tmp_path: Path) -> None:
    """Also where a file of ssh_config's names another key, and IdentitiesOnly."""
    jump, target = servers.sshd(OURS_LACKS), servers.sshd()
    given, other = as_text(servers.key), make_key(tmp_path / "other")
    route = by_ssh(servers, jump, target, config=ssh_config(servers, "IdentitiesOnly yes", key=other))
    route = in_place(replace(route, identities=(given,)), keys=Keys(identities=(given,), only_named=True))
    for vantage in Vantage:
        [trace] = servers.walk(route, vantage=vantage)
        assert trace.verdict is Verdict.PASS


# What it takes and leaves


def test_no_agent_is_made_where_none_is_needed(servers: Servers) -> None:
    children = Children(servers.system, KeyRing(servers.system))
    children.start("true").heard_out()
    assert children._agent is None  # noqa: SLF001 - what is not to be there
    children.close()


def test_nothing_is_started_once_the_walk_is_over(servers: Servers) -> None:
    children = Children(servers.system, KeyRing(servers.system), (as_text(servers.key),))
    command = children.start("sleep 600")
    assert children._agent  # noqa: SLF001 - what is to be gone
    path = children._agent.path  # noqa: SLF001
    assert path.is_socket()
    children.close()
    assert not path.parent.exists()
    with pytest.raises(ConnectionAbortedError):
        children.start("true")
    command.close()


def test_a_command_sees_the_agent_and_no_key(servers: Servers) -> None:
    given = as_text(servers.key)
    children = Children(servers.system, KeyRing(servers.system), (given,))
    command = children.start("sh -c 'env; cat /proc/self/cmdline; echo; ls \"${SSH_AUTH_SOCK%/*}\"'")
    command.socket.settimeout(10)
    said = ""
    while more := command.socket.recv(4096).decode():
        said += more
    children.close()
    assert "SSH_AUTH_SOCK=" in said
    assert said.endswith("\nagent\n")
    assert not [line for line in given.value.splitlines() if line in said]


def test_where_no_agent_can_be_made_a_failing_command_proves_nothing(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 30)))
    Path(tmp_path / ("long" * 30)).mkdir()
    [trace] = servers.walk(by_command(servers, servers.sshd(), servers.sshd(), as_text(servers.key)))
    assert trace.verdict is Verdict.INCOMPLETE
    reach = trace.hops[0].at(Stage.REACH)
    assert reach
    assert "Permission denied (publickey)" in reach.detail
    assert "no agent could be made" in reach.detail


@pytest.mark.parametrize(
    ("lines", "given", "hint"),
    [
        ("", "given", "give ssh-known-hosts"),
        ("# given", "", "give ssh-private-key"),
        ("# given", "given", "the runner"),
    ],
    ids=["its host is unknown", "no key", "another reason"],
)
def test_in_a_container_it_is_said_what_a_command_may_lack(servers: Servers, lines: str, given: str, hint: str) -> None:
    jump, target = servers.sshd(), servers.sshd()
    keys = Keys(identities=(as_text(servers.key),)) if given else Keys()
    route = by_command(servers, jump, target, keys=keys)
    rule = HostKeyRule((target.host,), (), accept_unknown=True, lines=lines)
    hop: Hop = replace(route.hops[0], host_key_rule=rule)
    if not lines:
        (servers.folder / "known_hosts").write_text("", encoding="utf-8")
    [trace] = servers.walk(replace(route, hops=(hop,)), vantage=Vantage.CONTAINER)
    assert trace.verdict is Verdict.INCOMPLETE
    reach = trace.hops[0].at(Stage.REACH)
    assert reach
    assert hint in reach.detail
