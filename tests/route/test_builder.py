"""The route to a remote builder, and when there is one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from kamal_forward_check import route
from kamal_forward_check.model import Plan, Purpose, Vantage
from kamal_forward_check.route.jumps import parse_uri
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import System
from tests.route.made import Machine, config, line_of
from tests.route.oracle import needs_kamal, ruby

REMOTE = "  remote: ssh://ops@build:2222\n"


@dataclass(frozen=True)
class WithDocker:
    """A machine whose docker, if it has one, says its architecture."""

    machine: Machine
    says: dict[str, str]

    def plan(self, builder: str, more: str = "", kamal: str = "2.12.0", vantage: Vantage = Vantage.LOCAL) -> Plan:
        real: System = self.machine.system

        def run(command: Sequence[str], limit: float, _: object) -> subprocess.CompletedProcess[str]:
            if command[0] in self.says:
                return subprocess.CompletedProcess(command, 0, self.says[command[0]] + "\n", "")
            if command[0] == "docker":
                raise FileNotFoundError(command[0])
            return real.run(command, limit)

        text = f"registry: {{server: 'localhost:5555'}}\nservers: [web]\nbuilder:\n{builder}{more}"
        return route.plan(config(text, kamal), Settings(), replace(real, runner=run), vantage)


@pytest.fixture
def docker(machine: Machine) -> Callable[[str], WithDocker]:
    return lambda architecture: WithDocker(machine, {"docker": architecture} if architecture else {})


@pytest.mark.parametrize(
    ("builder", "architecture", "builds_there"),
    [
        ("  arch: amd64\n" + REMOTE, "x86_64", False),
        ("  arch: amd64\n" + REMOTE, "aarch64", True),
        ("  arch: [arm64]\n" + REMOTE, "aarch64", False),
        ("  arch: riscv64\n" + REMOTE, "riscv64", False),
        ("  arch: [amd64, arm64]\n" + REMOTE, "", True),
        ("  arch: amd64\n  local: false\n" + REMOTE, "", True),
        ("  arch: []\n  local: false\n" + REMOTE, "", False),
        (REMOTE, "", True),
        ("  arch: amd64\n", "", False),
        ("  arch: amd64\n  local: false\n  remote: tcp://build\n", "", False),
    ],
)
def test_whether_kamal_builds_there(
    docker: Callable[[str], WithDocker],
    builder: str,
    architecture: str,
    builds_there: bool,  # noqa: FBT001 - expected
) -> None:
    """What docker's own architecture leaves goes to the remote builder."""
    plan = docker(architecture).plan(builder)
    expected = ["build", "pull"] if builds_there else ["pull"]
    assert ([route.purpose for route in plan.routes], plan.skipped) == (expected, ())


def test_an_architecture_that_can_not_be_asked(docker: Callable[[str], WithDocker], machine: Machine) -> None:
    plan = docker("").plan("  arch: amd64\n" + REMOTE)
    assert [route.purpose for route in plan.routes] == [Purpose.PULL]
    (skipped,) = plan.skipped
    assert (skipped.what, skipped.needed) == ("the remote builder", True)
    assert "ssh://ops@build:2222" in skipped.why
    # The runner's docker runs the container, and so the container's machine is docker's.
    runner = WithDocker(machine, {"uname": "aarch64"})
    plan = runner.plan("  arch: amd64\n" + REMOTE, vantage=Vantage.CONTAINER)
    assert [route.purpose for route in plan.routes] == [Purpose.BUILD, Purpose.PULL]


def test_it_takes_user_and_port_and_nothing_of_ssh(docker: Callable[[str], WithDocker], machine: Machine) -> None:
    machine.write(".ssh/config", "Host build\n  User cfg\n  Port 77\n  IdentityFile ~/builder\n")
    ssh = "ssh: {user: u, port: 99, proxy: jump, keys: [k], keys_only: true, config: false}\n"
    builder = "  arch: amd64\n  local: false\n"
    (hop,) = docker("").plan(builder + REMOTE, ssh).routes[0].hops
    assert hop.name == "ops@build:2222"
    assert ([file.value for file in hop.keys.files], hop.keys.only_named) == (["~/builder"], False)
    (hop,) = docker("").plan(builder + "  remote: ssh://build\n", ssh).routes[0].hops
    assert hop.name == "cfg@build:77"


def test_without_a_user_anywhere_it_is_the_local_one(docker: Callable[[str], WithDocker], machine: Machine) -> None:
    (hop,) = docker("").plan("  local: false\n  remote: ssh://build\n").routes[0].hops
    assert hop.name == f"{machine.system.account.name}@build"


def test_a_proxyjump_leads_to_it(docker: Callable[[str], WithDocker], machine: Machine) -> None:
    machine.write(".ssh/config", "Host build\n  ProxyJump me@gate\n")
    hops = docker("").plan("  local: false\n" + REMOTE).routes[0].hops
    assert [hop.name for hop in hops] == ["me@gate", "ops@build:2222"]


def test_it_knows_its_line(docker: Callable[[str], WithDocker]) -> None:
    span = docker("").plan("  local: false\n" + REMOTE).routes[0].target.origin
    assert span is not None
    assert span.line == line_of("registry:\nservers:\nbuilder:\n  local: false\n" + REMOTE, "remote:")


def test_before_2_8_2_no_forward_went_there(docker: Callable[[str], WithDocker]) -> None:
    plan = docker("").plan("  local: false\n" + REMOTE, kamal="2.8.1")
    assert [route.purpose for route in plan.routes] == [Purpose.PULL]


@pytest.mark.parametrize(
    "builder", ["  remote: <%= Rails.x %>\n", REMOTE + "  arch: <%= Rails.x %>\n", REMOTE + "  local: <%= Rails.x %>\n"]
)
def test_unknown_values_are_not_guessed(docker: Callable[[str], WithDocker], builder: str) -> None:
    plan = docker("").plan(builder)
    assert [(item.what, item.needed) for item in plan.skipped] == [("the remote builder", True)]


def test_an_address_that_is_none(docker: Callable[[str], WithDocker]) -> None:
    plan = docker("").plan("  local: false\n  remote: ssh://a b\n")
    assert plan.problems[0].path == "builder/remote"


@needs_kamal
def test_ruby_agrees_about_addresses() -> None:
    uris = ["build", "u@build", "u:p@build:22", "[::1]:22", "build:", "b/p", "a b", "::1", "u@", "", "1.2.3.4", "u@b:x"]
    for uri, rubys in zip(
        uris, ruby("u = URI(it); [u.user, u.host, u.port]", [f"ssh://{uri}" for uri in uris]), strict=True
    ):
        ours = parse_uri(uri)
        if rubys == "URI::InvalidURIError":
            assert ours is None
        else:
            assert ours is not None
            assert [ours["user"], ours["host"], ours["port"] and int(ours["port"])] == [
                rubys[0],
                rubys[1] or "",
                rubys[2] or ours["port"],
            ]
