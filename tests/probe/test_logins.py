"""Host keys and logins of whole walks, on real sshd's: as Kamal's clients would fare."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kamal_forward_check.model import Cause, Given, Hop, HostKeyRule, Keys, Purpose, Role, Route, Stage, Trace, Verdict
from kamal_forward_check.rules import Facts, judge
from tests.probe.servers import ME, Servers, Sshd, agent, codes, free_port, make_key, public, stop

# Host keys


def walk_to(servers: Servers, server: Sshd, known: str = "", *, role: Role = Role.TARGET, accept: bool = True) -> Trace:
    """A walk over one hop, with this known_hosts; a jump has itself for a target."""
    hop = servers.hop(server, role, known=known, accept=accept)
    if role is Role.JUMP:
        [trace] = servers.walk(Route(Purpose.PULL, (hop, servers.hop(server, Role.TARGET)), "127.0.0.1", free_port()))
    else:
        [trace] = servers.walk(Route(Purpose.PULL, (hop,), "127.0.0.1", free_port()))
    return trace


def test_an_unknown_target_is_accepted_and_shows_what_to_pin(servers: Servers) -> None:
    server = servers.sshd()
    trace = walk_to(servers, server)
    assert trace.verdict is Verdict.PASS
    seen = trace.hops[0].host_key
    assert seen
    assert (seen.known, f"{seen.line}\n") == (False, server.pin)
    told = subprocess.run(
        ["ssh-keygen", "-lf", server.folder / "host_key.pub"], capture_output=True, text=True, check=True
    )
    assert seen.fingerprint == told.stdout.split()[1]


def test_an_unknown_jump_stops(servers: Servers) -> None:
    server = servers.sshd()
    trace = walk_to(servers, server, role=Role.JUMP)
    assert stop(trace) == (server.host, Stage.HOST_KEY, Cause.HOST_KEY_UNKNOWN)
    assert codes(trace) == ["KF210"]
    assert "Accepted" not in server.log


@pytest.mark.parametrize("role", [Role.TARGET, Role.JUMP])
def test_a_changed_key_stops_before_any_key_is_offered(servers: Servers, key: Path, role: Role) -> None:
    server = servers.sshd()
    trace = walk_to(servers, server, f"[{server.host}]:{server.port} {public(key)}\n", role=role)
    assert stop(trace) == (server.host, Stage.HOST_KEY, Cause.HOST_KEY_CHANGED)
    assert codes(trace) == ["KF211"]
    assert "Postponed" not in server.log
    assert "Accepted" not in server.log


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_host_known_by_one_kind_of_key_alone_has_not_changed(servers: Servers, tmp_path: Path, kind: str) -> None:
    keys = [
        make_key(tmp_path / "ed25519"),
        make_key(tmp_path / kind, "-t", kind, "-b", {"rsa": "2048", "ecdsa": "256"}[kind]),
    ]
    server = servers.sshd(*(f"HostKey {key}" for key in keys))
    trace = walk_to(servers, server, f"[{server.host}]:{server.port} {public(keys[1])}\n", accept=False)
    assert trace.verdict is Verdict.PASS
    assert trace.hops[0].host_key
    assert trace.hops[0].host_key.known


def test_a_revoked_key_stops(servers: Servers) -> None:
    server = servers.sshd()
    trace = walk_to(servers, server, f"@revoked {server.pin}")
    assert stop(trace) == (server.host, Stage.HOST_KEY, Cause.HOST_KEY_CHANGED)


def test_known_hosts_is_read_and_never_written(servers: Servers) -> None:
    server, other = servers.sshd(), servers.sshd()
    file = servers.home / "known_hosts"
    file.write_text(server.pin, encoding="utf-8")
    file.chmod(0o400)
    before = (file.read_bytes(), file.stat().st_mtime_ns, list(servers.home.iterdir()))
    for each in (server, other):
        hop = servers.hop(each, Role.TARGET)
        rule = HostKeyRule((f"[{each.host}]:{each.port}",), (str(file),), accept_unknown=True)
        [trace] = servers.walk(Route(Purpose.PULL, (replace(hop, host_key_rule=rule),), "127.0.0.1", free_port()))
        assert trace.hops[0].host_key
        assert trace.hops[0].host_key.known is (each is server)
    assert (file.read_bytes(), file.stat().st_mtime_ns, list(servers.home.iterdir())) == before


# Logins


def login(servers: Servers, server: Sshd, keys: Keys | None = None) -> Trace:
    """A walk to one target with these keys."""
    hop = servers.hop(server, Role.TARGET, keys=keys)
    [trace] = servers.walk(Route(Purpose.PULL, (hop,), "127.0.0.1", free_port()))
    return trace


def files(*paths: Path, **more: object) -> Keys:
    return Keys(files=tuple(Given(str(path), "ssh.keys") for path in paths), **more)  # type: ignore[arg-type]


def test_a_key_that_is_not_known_there(servers: Servers) -> None:
    server = servers.sshd()
    server.authorize()
    trace = login(servers, server)
    assert stop(trace) == (server.host, Stage.LOGIN, Cause.LOGIN_REFUSED)
    assert codes(trace) == ["KF302"]


@pytest.mark.parametrize(
    "lines",
    [
        ("AuthenticationMethods publickey,password", "PasswordAuthentication yes"),
        ("AuthenticationMethods publickey,publickey",),
        ("AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes"),
    ],
    ids=["a password as well", "two keys", "a code as well"],
)
def test_a_login_that_is_only_half_done_is_found(servers: Servers, lines: tuple[str, ...]) -> None:
    server = servers.sshd(*lines)
    trace = login(servers, server)
    assert stop(trace) == (server.host, Stage.LOGIN, Cause.LOGIN_PARTIAL)
    assert codes(trace) == ["KF303"]


@pytest.mark.skipif(os.geteuid() != 0, reason="PermitRootLogin is for root")
def test_a_login_that_is_cut_after_it_succeeded_is_found(servers: Servers) -> None:
    server = servers.sshd("PermitRootLogin forced-commands-only")
    trace = login(servers, server)
    assert stop(trace) == (server.host, Stage.LOGIN, Cause.LOST)
    assert codes(trace) == ["KF305"]


def test_too_many_keys(servers: Servers, tmp_path: Path) -> None:
    server = servers.sshd("MaxAuthTries 2")
    wrong = [make_key(tmp_path / f"wrong-{n}") for n in range(3)]
    trace = login(servers, server, files(*wrong, servers.key))
    assert stop(trace) == (server.host, Stage.LOGIN, Cause.TOO_MANY_FAILURES)
    assert codes(trace) == ["KF304"]


def test_keys_only_leaves_the_agents_other_keys_out(servers: Servers, tmp_path: Path) -> None:
    server = servers.sshd("MaxAuthTries 2")
    wrong = [make_key(tmp_path / f"wrong-{n}") for n in range(3)]
    with agent(tmp_path, *wrong, servers.key) as socket:
        assert stop(login(servers, server, files(agent=socket)))[2] is Cause.TOO_MANY_FAILURES
        trace = login(servers, server, files(servers.key, agent=socket, only_named=True))
    assert trace.verdict is Verdict.PASS
    assert trace.hops[0].opened_by == "agent: id_ed25519"


def test_an_identity_stands_for_the_agent(servers: Servers) -> None:
    server = servers.sshd()
    given = Keys(identities=(Given(str(servers.key), "--identity"),))
    trace = login(servers, server, given)
    assert trace.hops[0].opened_by_identity
    assert trace.hops[0].opened_by == str(servers.key)


def test_an_identity_that_a_file_has_as_well_is_the_files(servers: Servers) -> None:
    given = Keys(files=(Given(str(servers.key), "default"),), identities=(Given(str(servers.key), "--identity"),))
    trace = login(servers, servers.sshd(), given)
    assert trace.verdict is Verdict.PASS
    assert not trace.hops[0].opened_by_identity


def test_a_text_of_several_keys_opens_and_is_not_told(servers: Servers, tmp_path: Path) -> None:
    server = servers.sshd()
    wrong = make_key(tmp_path / "wrong").read_text(encoding="ascii")
    text = f"{wrong}\n{servers.key.read_text(encoding='ascii')}".replace("\n", "\r\n")
    trace = login(servers, server, Keys(identities=(Given(text, "ssh-private-key"),)))
    assert (trace.verdict, trace.hops[0].opened_by) == (Verdict.PASS, "ssh-private-key")


def test_without_a_key_nothing_is_concluded(servers: Servers) -> None:
    trace = login(servers, servers.sshd(), Keys())
    assert trace.verdict is Verdict.INCOMPLETE
    seen = trace.hops[0].at(Stage.LOGIN)
    assert seen
    assert "--identity" in seen.detail


def test_a_refusal_proves_nothing_where_a_key_stayed_away(servers: Servers, tmp_path: Path) -> None:
    server = servers.sshd()
    wrong, locked = make_key(tmp_path / "wrong"), make_key(tmp_path / "locked", "-N", "secret")
    trace = login(servers, server, files(wrong, locked))
    assert trace.verdict is Verdict.INCOMPLETE
    seen = trace.hops[0].at(Stage.LOGIN)
    assert seen
    assert f"{locked} needs its passphrase" in seen.detail


def test_a_key_that_stayed_away_does_no_harm_where_another_opens(servers: Servers, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", "-N", "secret")
    assert login(servers, servers.sshd(), files(locked, servers.key)).verdict is Verdict.PASS


def test_keys_do_not_leak_from_one_hop_to_another(servers: Servers, tmp_path: Path) -> None:
    own = make_key(tmp_path / "own")
    jump, target = servers.sshd(), servers.sshd()
    target.authorize(public(own))
    end: Hop = servers.hop(target, Role.TARGET, keys=files(own))
    [trace] = servers.walk(servers.route(jump, target=end))
    assert trace.verdict is Verdict.PASS
    assert target.log.count("Postponed publickey") + target.log.count("Failed publickey") == 0
    assert f"Accepted publickey for {ME}" in jump.log


def test_a_failed_login_leaves_no_connection(servers: Servers) -> None:
    server = servers.sshd()
    server.authorize()
    login(servers, server)
    server.waits_for("Connection closed by authenticating user")


# What the server and the agent have to say to an offer


@contextmanager
def asking_agent(folder: Path, *keys: Path) -> Iterator[str]:
    """A real ssh-agent that asks before it signs, and is told no."""
    with agent(folder) as path:
        for key in keys:
            subprocess.run(["ssh-add", "-q", "-c", key], env={**os.environ, "SSH_AUTH_SOCK": path}, check=True)
        yield path


def test_net_ssh_stops_at_a_key_with_which_the_agent_does_not_sign(servers: Servers, tmp_path: Path) -> None:
    server = servers.sshd()
    with asking_agent(tmp_path, servers.key) as path:
        trace = login(servers, server, files(servers.key, agent=path))
    assert stop(trace) == (server.host, Stage.LOGIN, Cause.UNSIGNED)
    assert codes(trace) == ["KF309"]
    assert trace.hops[0].login.unsigned == ("agent: id_ed25519",)


def test_a_key_that_the_server_does_not_want_need_not_be_signed_with(servers: Servers, tmp_path: Path) -> None:
    with asking_agent(tmp_path, make_key(tmp_path / "other")) as path:
        trace = login(servers, servers.sshd(), files(servers.key, agent=path))
    assert trace.verdict is Verdict.PASS
    assert [name.split()[0] for name in trace.hops[0].login.offered] == ["agent:", str(servers.key)]


def test_ssh_goes_on_to_the_next_key(servers: Servers, tmp_path: Path) -> None:
    jump, target = servers.sshd(), servers.sshd()
    other = make_key(tmp_path / "other")
    jump.authorize(public(other), public(servers.key))
    with asking_agent(tmp_path, other) as path:
        hop = servers.hop(jump, Role.JUMP, keys=files(servers.key, agent=path))
        hops = (hop, servers.hop(target, Role.TARGET))
        [trace] = servers.walk(Route(Purpose.PULL, hops, "127.0.0.1", free_port()))
    assert trace.verdict is Verdict.PASS
    assert trace.hops[0].login.unsigned == ("agent: other",)


def test_what_the_server_takes_is_kept(servers: Servers, tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_text("Only for\nfriends\n", encoding="utf-8")
    lines = ("PubkeyAuthentication no", "PasswordAuthentication yes", f"Banner {banner}")
    trace = login(servers, servers.sshd(*lines), files(make_key(tmp_path / "other"), servers.key))
    assert codes(trace) == ["KF307"]
    seen = trace.hops[0].login
    assert seen.methods == ("password",)
    assert seen.banner == "Only for\nfriends"
    assert len(seen.offered) == 2


def test_two_keys_that_are_wanted_are_both_offered(servers: Servers, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    server = servers.sshd("AuthenticationMethods publickey,publickey")
    server.authorize(public(other), public(servers.key))
    assert login(servers, server, files(other, servers.key)).verdict is Verdict.PASS


def test_too_many_keys_are_counted(servers: Servers, tmp_path: Path) -> None:
    wrong = [make_key(tmp_path / f"wrong-{n}") for n in range(4)]
    trace = login(servers, servers.sshd("MaxAuthTries 3"), files(*wrong, servers.key))
    assert len(trace.hops[0].login.offered) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="PermitRootLogin is for root")
def test_a_login_that_ends_right_after_it_tells_by_which_key(servers: Servers) -> None:
    trace = login(servers, servers.sshd("PermitRootLogin forced-commands-only"))
    assert trace.hops[0].opened_by == str(servers.key)
    [finding] = [each for each in judge(Facts(traces=(trace,))) if each.code == "KF305"]
    assert "right after" in finding.message
    assert finding.candidates[0].keyword == "PermitRootLogin"


def test_a_jumps_key_that_deploy_yml_keeps_for_the_target(servers: Servers, tmp_path: Path) -> None:
    jump, target = servers.sshd(), servers.sshd()
    other = make_key(tmp_path / "other")
    hop = servers.hop(jump, Role.JUMP, keys=files(other))
    route = Route(Purpose.PULL, (hop, servers.hop(target, Role.TARGET)), "127.0.0.1", free_port())
    [trace] = servers.walk(route)
    assert codes(trace) == ["KF308"]
    assert trace.hops[0].login.would_open == str(servers.key)
    jump.authorize()
    [trace] = servers.walk(route)
    assert codes(trace) == ["KF301"]
