"""Who offers which key to which hop."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kamal_forward_check import route
from kamal_forward_check.model import Keys, Vantage
from kamal_forward_check.settings import Settings
from tests.route.made import BASE, Machine, config, line_of

SERVERS = "servers: [web]\n"
JUMP = "ssh: {proxy: u@jump, config: c}\n"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with an agent, an empty ssh_config at `c`, and two default keys."""
    made = Machine(tmp_path, {"SSH_AUTH_SOCK": "/agent"})
    made.write("c", "")
    for name in ("id_rsa", "id_ed25519.pub"):
        made.write(f".ssh/{name}", "")
    return made


def jump(machine: Machine, ssh_config: str = "", **more: Any) -> Keys:
    machine.write("c", ssh_config)
    return machine.hops(SERVERS + JUMP, **more)[0].keys


def target(machine: Machine, ssh: str = "", kamal: str = "2.12.0", **more: Any) -> Keys:
    return machine.hops(f"{SERVERS}ssh:\n{ssh}" if ssh else SERVERS, kamal, **more)[-1].keys


def files(keys: Keys) -> list[str]:
    return [file.value for file in keys.files]


def test_a_jump_gets_sshs_own_keys_that_are_there(machine: Machine) -> None:
    """A public half alone names a key of the agent."""
    keys = jump(machine)
    assert files(keys) == ["~/.ssh/id_rsa", "~/.ssh/id_ed25519"]
    assert keys.agent == "/agent"
    assert not keys.only_named


def test_a_jump_gets_nothing_of_deploy_yml(machine: Machine) -> None:
    text = f"{SERVERS}ssh: {{proxy: u@jump, config: c, keys: [k], key_data: ['PRIVATE KEY'], keys_only: true}}\n"
    keys = machine.hops(text)[0].keys
    assert (files(keys), keys.data, keys.only_named) == (["~/.ssh/id_rsa", "~/.ssh/id_ed25519"], (), False)


def test_identity_files_of_a_jump(machine: Machine) -> None:
    for name in ("jump", "other"):
        machine.write(f"keys/{name}", "")
    lines = [f"{machine.home}/keys/%h", "~/gone", f"{machine.home}/keys/other"]
    keys = jump(machine, "Host *\n" + "".join(f"  IdentityFile {line}\n" for line in lines) + "  IdentitiesOnly yes\n")
    assert [(file.value, file.at and file.at.line) for file in keys.files] == [("~/keys/jump", 2), ("~/keys/other", 4)]
    assert keys.only_named


def test_sshs_home_may_be_another(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """ssh goes by the user database, whatever $HOME says; net-ssh goes by $HOME."""
    other = Machine(tmp_path_factory.mktemp("home"))
    other.write(".ssh/id_ecdsa", "")
    system = replace(machine.system, account=other.system.account)
    machine.write("c", "")
    plan = route.plan(config(BASE + SERVERS + JUMP), Settings(), system, Vantage.LOCAL)
    jump, target = plan.routes[0].hops
    assert files(jump.keys) == [f"{other.home}/.ssh/id_ecdsa"]
    assert files(target.keys) == ["~/.ssh/id_ed25519", "~/.ssh/id_rsa"]


@pytest.mark.parametrize(
    ("given", "agent"),
    [("none", None), ("SSH_AUTH_SOCK", "/agent"), ("$OTHER", "/other"), ("/mine", "/mine")],
)
def test_identity_agent_of_a_jump(machine: Machine, given: str, agent: str | None) -> None:
    machine = replace(machine, environ={**machine.environ, "OTHER": "/other"})
    assert jump(machine, f"IdentityAgent {given}\n").agent == agent


def test_no_public_keys_for_a_jump_that_takes_none(machine: Machine) -> None:
    assert jump(machine, "PubkeyAuthentication no\n") == Keys()


def test_a_certificate_file_is_not_offered_and_said(machine: Machine) -> None:
    assert "CertificateFile" in jump(machine, "CertificateFile c.pub\n").missing
    machine.write(".ssh/config", "Host web\n  CertificateFile c.pub\n")
    assert "CertificateFile" in target(machine).missing


def test_net_sshs_default_keys_for_a_target(machine: Machine) -> None:
    machine.write(".ssh2/id_dsa", "")
    assert files(target(machine)) == ["~/.ssh/id_ed25519", "~/.ssh/id_rsa", "~/.ssh2/id_dsa"]


@pytest.mark.parametrize(
    ("ssh", "expected"),
    [
        ("  user: u\n", ["~/cfg"]),
        ("  keys: [a, ~/b]\n", ["a", "~/b"]),
        ("  keys: []\n", []),
        ("  key_data: [PRIVATE KEY]\n", ["~/cfg"]),
        ("  key_data: [PRIVATE KEY]\n  config: false\n", []),
        ("  config: false\n", ["~/.ssh/id_ed25519", "~/.ssh/id_rsa"]),
    ],
)
def test_which_files_a_target_gets(machine: Machine, ssh: str, expected: list[str]) -> None:
    """ssh.keys before ssh_config's IdentityFile before the defaults, which key_data switches off."""
    machine.write(".ssh/config", "Host web\n  IdentityFile ~/cfg\n")
    assert files(target(machine, ssh)) == expected


def test_keys_of_deploy_yml_know_their_line(machine: Machine) -> None:
    keys = target(machine, "  keys:\n    - a\n")
    assert [(key.source, key.at and key.at.line) for key in keys.files] == [
        ("ssh.keys", line_of(BASE + SERVERS + "ssh:\n  keys:\n    - a", "- a"))
    ]


def test_before_2_8_2_kamal_passed_no_keys(machine: Machine) -> None:
    keys = target(machine, "  keys: [a]\n  keys_only: true\n", "2.8.1")
    assert (files(keys), keys.only_named) == (["~/.ssh/id_ed25519", "~/.ssh/id_rsa"], False)


@pytest.mark.parametrize(
    ("ssh", "only"), [("  user: u\n", True), ("  keys_only: false\n", False), ("  keys_only: true\n", True)]
)
def test_kamals_keys_only_beats_identities_only(machine: Machine, ssh: str, only: bool) -> None:  # noqa: FBT001 - expected
    machine.write(".ssh/config", "Host web\n  IdentitiesOnly yes\n")
    assert target(machine, ssh).only_named is only


def test_identity_agent_of_a_target(machine: Machine) -> None:
    """net-ssh takes whatever stands there for a file: its users miss the agent, and so do we."""
    machine.write(".ssh/config", "Host web\n  IdentityAgent SSH_AUTH_SOCK\n")
    assert target(machine).agent == f"{machine.home}/SSH_AUTH_SOCK"


def test_given_keys_stand_for_the_agents(machine: Machine) -> None:
    given: dict[str, Any] = {"identities": ("me.key",), "private_keys": KEY}
    expected = [("--identity", "me.key"), ("ssh-private-key", KEY)]
    for keys in (jump(machine, **given), target(machine, **given)):
        assert [(key.source, key.value) for key in keys.identities] == expected
    assert target(machine, "  keys_only: true\n", **given).identities == ()


class TestKeyData:
    def test_a_secrets_name(self, machine: Machine) -> None:
        machine.write(".kamal/secrets", f"DEPLOY_KEY='{KEY}'\n")
        (key,) = target(machine, "  key_data:\n    - DEPLOY_KEY\n").data
        assert (key.value, key.source) == (KEY, "ssh.key_data DEPLOY_KEY")
        assert "c2VjcmV0" not in repr(target(machine, "  key_data: [DEPLOY_KEY]\n"))

    def test_a_key_itself(self, machine: Machine) -> None:
        text = f"  key_data: [{KEY!r}]\n".replace("'", '"')
        assert [key.value for key in target(machine, text, "2.8.2").data] == [KEY]

    def test_a_name_was_a_key_before_2_10(self, machine: Machine) -> None:
        machine.write(".kamal/secrets", f"DEPLOY_KEY='{KEY}'\n")
        plan = machine.plan(f"{SERVERS}ssh: {{key_data: [DEPLOY_KEY]}}\n", "2.9.0")
        assert plan.routes[0].target.keys.data == ()

    @pytest.mark.parametrize("secrets", ["", "DEPLOY_KEY=\n", "OTHER=x\n"])
    def test_a_name_that_no_secret_has(self, machine: Machine, secrets: str) -> None:
        machine.write(".kamal/secrets", secrets)
        text = SERVERS.replace("[web]", "[web, db]") + "ssh:\n  key_data:\n    - DEPLOY_KEY\n"
        plan = machine.plan(text)
        assert [route.target.keys.data for route in plan.routes] == [(), ()]

    def test_a_command_is_covered_by_a_given_key(self, machine: Machine) -> None:
        machine.write(".kamal/secrets", "# no key here\nDEPLOY_KEY=$(cat ~/.ssh/deploy)\n")
        ssh = "  key_data: [DEPLOY_KEY]\n  keys_only: true\n"
        uncovered = target(machine, ssh)
        assert uncovered.data == ()
        assert "DEPLOY_KEY" in uncovered.missing
        assert ".kamal/secrets:2" in uncovered.missing
        covered = target(machine, ssh, identities=("me.key",))
        assert ([key.value for key in covered.identities], covered.missing) == (["me.key"], "")

    def test_a_value_that_only_ruby_knows(self, machine: Machine) -> None:
        for ssh in ("  key_data: [<%= Rails.x %>]\n", "  key_data: <%= Rails.x %>\n", "  keys: <%= Rails.x %>\n"):
            keys = target(machine, ssh)
            assert keys.missing.endswith("needs Ruby itself")
            assert files(keys) == []


class TestInAContainer:
    """The deploying machine may have what the container has not: a refused login proves nothing there."""

    def test_a_named_file_that_is_not_here(self, machine: Machine) -> None:
        ssh = "  keys: [~/deploy]\n  keys_only: true\n"
        assert target(machine, ssh).missing == ""
        assert "~/deploy" in target(machine, ssh, vantage=Vantage.CONTAINER).missing
        covered = target(machine, ssh, vantage=Vantage.CONTAINER, private_keys=KEY)
        assert ([key.source for key in covered.identities], covered.missing) == (["ssh-private-key"], "")

    def test_a_file_that_is_here(self, machine: Machine) -> None:
        machine.write("deploy", "")
        assert target(machine, "  keys: [~/deploy]\n", vantage=Vantage.CONTAINER).missing == ""

    def test_a_jumps_named_file(self, machine: Machine) -> None:
        keys = jump(machine, "IdentityFile ~/gone\n", vantage=Vantage.CONTAINER)
        assert "~/gone" in keys.missing
        assert jump(machine, vantage=Vantage.CONTAINER).missing == ""


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("PKCS11Provider /lib/x.so\n", "PKCS11Provider"),
        ("HostbasedAuthentication yes\n", "HostbasedAuthentication"),
        ("ControlPath ~/cm\n", ""),
        ("GSSAPIAuthentication yes\n", ""),
    ],
)
def test_a_jump_may_let_ssh_in_otherwise(machine: Machine, lines: str, word: str) -> None:
    missing = jump(machine, lines).missing
    assert word in missing
    assert bool(missing) is bool(word)


def test_a_kerberos_ticket_may_open_a_jump(tmp_path: Path) -> None:
    assert "GSSAPI" in jump(Machine(tmp_path, {"KRB5CCNAME": "FILE:/x"}), "GSSAPIAuthentication yes\n").missing


def test_a_connection_that_stands_may_open_a_jump(machine: Machine) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(machine.home / "cm"))
        assert "ControlPath" in jump(machine, f"ControlPath {machine.home}/cm\n").missing
