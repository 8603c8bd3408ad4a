"""net-ssh's reading of ssh_config: its own rules, and the targets that come of it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from kamal_forward_check.route import net_ssh_config
from tests.route.made import Machine
from tests.route.oracle import needs_kamal, ruby

SERVERS = "servers: [web]\n"


def test_kamals_user_and_port_win(machine: Machine) -> None:
    machine.write(".ssh/config", "Host web\n  HostName 192.0.2.%h\n  User cfg\n  Port 77\n")
    (target,) = machine.hops(SERVERS)
    assert (target.name, target.address) == ("root@web", "192.0.2.web")
    (target,) = machine.hops(SERVERS, "2.8.1")
    assert target.name == "root@web:77"
    assert target.port.at is not None
    assert target.port.at.line == 4


def test_a_proxyjump_of_the_target(machine: Machine) -> None:
    """Without ssh.proxy, net-ssh takes ssh_config's; no root@ goes before it, and the order turns here too."""
    config = machine.write(".ssh/config", "Host web\n  ProxyJump u@a,b\n")
    b, a, _ = machine.hops(SERVERS)
    assert (b.host.value, a.name) == ("b", "u@a")
    assert b.origin == a.origin
    assert a.origin is not None
    assert (Path(a.origin.file), a.origin.line) == (config, 2)
    (jump, _) = machine.hops(SERVERS + "ssh: {proxy: u@mine}\n")
    assert jump.name == "u@mine"


def test_proxyjump_none_is_a_name_to_net_ssh(machine: Machine) -> None:
    machine.write(".ssh/config", "Host web\n  ProxyJump none\n")
    assert machine.hops(SERVERS)[0].host.value == "none"


def test_a_proxycommand_of_the_target(machine: Machine) -> None:
    machine.write(".ssh/config", "Host web\n  HostName 192.0.2.1\n  ProxyCommand nc %h %p %%\n")
    (target,) = machine.hops(SERVERS + "ssh: {port: 2022}\n")
    assert target.proxy_command is not None
    assert target.proxy_command.value == "nc 192.0.2.1 2022 %"
    machine.write(".ssh/config", "Host web\n  ProxyCommand none\n")
    assert machine.hops(SERVERS)[0].proxy_command is None


@pytest.mark.parametrize("token", ["%r", "%n", "%u"])
def test_a_token_that_stops_net_ssh(machine: Machine, token: str) -> None:
    plan = machine.plan(SERVERS + f"ssh:\n  proxy_command: nc {token}\n")
    (problem,) = plan.problems
    assert f'"{token}"' in problem.message
    assert problem.at.line == 7
    assert plan.skipped[0].needed


@pytest.mark.parametrize(
    ("config", "address"),
    [("true", "from-home"), ("false", "web"), ("other.conf", "from-file"), ("[other.conf, none.conf]", "from-file")],
)
def test_the_files_that_ssh_config_names(machine: Machine, config: str, address: str) -> None:
    machine.write(".ssh/config", "Host *\n  HostName from-home\n")
    machine.write("other.conf", "Host *\n  HostName from-file\n")
    (target,) = machine.hops(SERVERS + f"ssh: {{config: {config}}}\n")
    assert target.address == address
    (before,) = machine.hops(SERVERS + f"ssh: {{config: {config}}}\n", "2.8.1")
    assert before.address == "from-home"


def test_hostname_where_no_host_line_is(machine: Machine) -> None:
    """net-ssh puts the name from the Host line into HostName's %h, and stops where there is none."""
    machine.write("c", "HostName x\n")
    (problem,) = machine.plan(SERVERS + "ssh: {config: c}\n").problems
    assert "TypeError" in problem.message
    assert problem.at.line == 1


OPTIONS = {
    "user": "user",
    "port": "port",
    "keys_only": "identitiesonly",
    "user_known_hosts_file": "userknownhostsfile",
    "host_key_alias": "hostkeyalias",
    "identity_agent": "identityagent",
}


@needs_kamal
def test_net_ssh_agrees(machine: Machine) -> None:
    """600 random pairs of files, each with Includes, against Net::SSH::Config."""
    random = Random(4)  # noqa: S311 - the same at every run
    cases = [
        [_files(random, machine.home / str(number)), random.choice(["h1", "h2", "other"])] for number in range(600)
    ]
    question = """begin
      read = Net::SSH::Config.for(it[1], ["#{it[0]}/c1", "#{it[0]}/c2"])
      proxy = read[:proxy]
      read[:proxy] = proxy.is_a?(Net::SSH::Proxy::Jump) ? proxy.jump_proxies : proxy&.command_line_template
      read.transform_values { |value| value.is_a?(Symbol) ? value.to_s : value }
    end"""
    stopped = 0
    for (folder, host), kamals in zip(cases, ruby(question, cases), strict=True):
        read = net_ssh_config.read(machine.system, host, (f"{folder}/c1", f"{folder}/c2"))
        if kamals == "TypeError":
            assert read.given("hostname")
            assert "host" not in read.options
            stopped += 1
            continue
        ours: dict[str, Any] = {name: _typed(read.given(keyword)) for name, keyword in OPTIONS.items()}
        ours["keys"] = [given.value for given in read.all("identityfile")] or None
        keyword, proxy = read.proxy or ("", None)
        ours["proxy"] = proxy.value if proxy and (keyword, proxy.value) != ("proxycommand", "none") else None
        assert ours == {name: kamals.get(name) for name in ours}, (folder, host)
    assert stopped < len(cases) / 4


def _typed(given: Any) -> Any:
    if given is None:
        return None
    text = given.value.strip()
    return int(text) if text.isdigit() else {"no": False, "yes": True}.get(text.lower(), given.value)


def _files(random: Random, folder: Path) -> str:
    folder.mkdir()
    for name, included in (("c1", "inc*"), ("c2", "inc1 inc2"), ("inc1", "inc2"), ("inc2", "nothing")):
        lines = [_line(random, included) for _ in range(random.randint(0, 7))]
        (folder / name).write_text("\n".join(lines) + "\n")
    return str(folder)


def _line(random: Random, included: str) -> str:
    values = {
        "Host": ["h1", "*", "h?", "!h1 *", "h2", "h1 h2", '"h1"'],
        "Match": [
            "all",
            "host h1",
            "host !h1",
            "user x",
            "host h1,h2 user x",
            "host=h1",
            "exec true",
            "host h* exec x",
        ],
        "Include": [included],
        "Port": ["22", "77"],
        "IdentitiesOnly": ["yes", "no"],
        "HostName": ["%h.x", "192.0.2.1"],
        "ProxyJump": ["j1", "none", "a,b"],
        "ProxyCommand": ["none", "nc %h"],
        "#": ["x"],
    }
    others = ["User", "IdentityFile", "UserKnownHostsFile", "HostKeyAlias", "IdentityAgent", "Foo"]
    keyword = random.choice([*values, "Host", "Match", *others])
    value = random.choice(values.get(keyword, ["v1", '"q q"', "~/k"]))
    return (
        random.choice(["", "  ", "\t"])
        + keyword
        + random.choice([" ", "  ", "=", " = ", "\t"])
        + value
        + random.choice(["", " "])
    )
