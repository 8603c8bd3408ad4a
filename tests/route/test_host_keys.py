"""Which known_hosts a client asks, under which names, and what it does with a key that is not there."""

from __future__ import annotations

import pytest

from kamal_forward_check.model import HostKeyRule
from tests.route.made import Machine

SYSTEM = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


def jump(machine: Machine, config: str = "", proxy: str = "u@jump", **settings: str) -> HostKeyRule:
    machine.write("c", config)
    return machine.hops(f"servers: [web]\nssh: {{proxy: '{proxy}', config: c}}\n", **settings)[0].host_key_rule


def target(
    machine: Machine, config: str = "", ssh: str = "{user: u}", host: str = "web", **settings: str
) -> HostKeyRule:
    machine.write(".ssh/config", config)
    return machine.hops(f"servers: [{host}]\nssh: {ssh}\n", **settings)[-1].host_key_rule


def test_a_jump_must_be_known(machine: Machine) -> None:
    rule = jump(machine)
    assert (rule.names, rule.also, rule.accept_unknown, rule.accept_changed) == (("jump",), (), False, False)
    assert rule.files[2:] == SYSTEM
    assert [file.rpartition("/")[2] for file in rule.files[:2]] == ["known_hosts", "known_hosts2"]


def test_a_jump_on_another_port(machine: Machine) -> None:
    """ssh also takes the key that the name has without its port."""
    rule = jump(machine, "Host jump\n  HostName 192.0.2.1\n", "u@jump:2222")
    assert (rule.names, rule.also) == (("[192.0.2.1]:2222",), ("192.0.2.1",))


def test_an_alias_has_no_port(machine: Machine) -> None:
    rule = jump(machine, "HostKeyAlias gate\n", "u@jump:2222")
    assert (rule.names, rule.also) == (("gate",), ())
    assert target(machine, "Host web\n  HostKeyAlias gate\n", "{port: 2222}").names == ("gate",)


@pytest.mark.parametrize(
    ("word", "unknown", "changed"),
    [
        ("yes", False, False),
        ("ask", False, False),
        ("accept-new", True, False),
        ("no", True, True),
        ("off", True, True),
    ],
)
def test_strict_checking_of_a_jump(machine: Machine, word: str, unknown: bool, changed: bool) -> None:  # noqa: FBT001 - expected
    rule = jump(machine, f"StrictHostKeyChecking {word}\n")
    assert (rule.accept_unknown, rule.accept_changed) == (unknown, changed)


@pytest.mark.parametrize(
    ("word", "unknown", "changed"),
    [
        ("yes", False, False),
        ("ask", True, False),
        ("accept-new", True, False),
        ("no", True, True),
        ("off", True, False),
    ],
)
def test_strict_checking_of_a_target(machine: Machine, word: str, unknown: bool, changed: bool) -> None:  # noqa: FBT001 - expected
    rule = target(machine, f"Host *\n  StrictHostKeyChecking {word}\n")
    assert (rule.accept_unknown, rule.accept_changed) == (unknown, changed)


def test_a_target_may_be_new(machine: Machine) -> None:
    rule = target(machine)
    assert (rule.names, rule.accept_unknown, rule.accept_changed) == (("web",), True, False)
    assert rule.files == ("~/.ssh/known_hosts", "~/.ssh/known_hosts2", *SYSTEM)
    assert target(machine, "Host web\n  HostName 192.0.2.1\n", "{port: 2222}").names == ("[192.0.2.1]:2222",)


@pytest.mark.parametrize(
    ("host", "ssh", "changed"),
    [
        ("127.0.0.1", "{port: 2222}", True),
        ("127.0.0.1", "{port: 22}", False),
        ("127.0.0.2", "{port: 2222}", False),
        ("127.0.0.1", "{port: 2222, proxy: jump}", False),
    ],
)
def test_net_ssh_does_not_judge_the_end_of_a_tunnel(machine: Machine, host: str, ssh: str, changed: bool) -> None:  # noqa: FBT001 - expected
    assert target(machine, ssh=ssh, host=host).accept_changed is changed


def test_files_from_ssh_config(machine: Machine) -> None:
    assert jump(machine, "UserKnownHostsFile /a /b\nGlobalKnownHostsFile /c\n").files == ("/a", "/b", "/c")
    assert target(machine, "Host *\n  UserKnownHostsFile /a\n  GlobalKnownHostsFile /c\n").files == ("/a", "/c")


def test_given_known_hosts(machine: Machine) -> None:
    for rule in (jump(machine, known_hosts_file="mine"), target(machine, known_hosts_file="mine")):
        assert rule.files == ("mine", *SYSTEM)
    for rule in (
        jump(machine, known_hosts="jump ssh-ed25519 AAAA"),
        target(machine, known_hosts="jump ssh-ed25519 AAAA"),
    ):
        assert rule.lines == "jump ssh-ed25519 AAAA"


def test_localhost_may_go_unchecked(machine: Machine) -> None:
    assert jump(machine, "NoHostAuthenticationForLocalhost yes\n", "u@127.0.0.3").accept_changed
    assert not jump(machine, "NoHostAuthenticationForLocalhost yes\n").accept_changed
