"""The plan as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kamal_forward_check import route
from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import DeployConfig, KamalVersion, Purpose, Vantage
from kamal_forward_check.settings import Settings
from tests.route.made import BASE, FILE, Machine, config, line_of


def test_a_route_for_every_host(machine: Machine) -> None:
    text = "servers:\n  web: [h1]\n  job: [h2]\naccessories:\n  db: {image: m, host: h3}\n"
    text += "ssh:\n  user: u\n  port: '2022'\n"
    plan = machine.plan(text)
    assert [(r.purpose, r.target.name, r.listen, r.port) for r in plan.routes] == [
        (Purpose.PULL, f"u@{host}:2022", "127.0.0.1", 5555) for host in ("h1", "h2", "h3")
    ]
    assert plan.forwarding.needed
    target = plan.routes[0].target
    at = [given.at and given.at.line for given in (target.host, target.user, target.port)]
    assert at == [line_of(BASE + text, part) for part in ("h1", "user:", "port:")]


def test_kamals_defaults_say_so(machine: Machine) -> None:
    (target,) = machine.hops("servers: [h1]\n")
    assert [(given.value, given.source) for given in (target.user, target.port)] == [
        ("root", "Kamal's default"),
        (22, "Kamal's default"),
    ]


def test_no_forward_no_routes(machine: Machine) -> None:
    plan = machine.plan("servers: [h1]\n", base="registry: {server: ghcr.io}\n")
    assert (plan.forwarding.needed, plan.routes, plan.skipped) == (False, (), ())


def test_no_host_left(machine: Machine) -> None:
    """Kamal opens no forward then, and runs on."""
    text = "servers:\n  web: [h1]\n  job: [h2]\n"
    plan = machine.plan(text, hosts=("h1",), roles=("job",))
    assert (plan.forwarding.needed, plan.forwarding.port, plan.routes, plan.skipped) == (False, 5555, (), ())
    with pytest.raises(CannotCheck):
        machine.plan(text, hosts=("nope",))


@pytest.mark.parametrize("key", ["user", "port", "proxy", "proxy_command", "config", "keys_only"])
def test_unknown_ssh_values_are_not_guessed(machine: Machine, key: str) -> None:
    plan = machine.plan(f"servers: [h1, h2]\nssh: {{{key}: <%= Rails.x %>}}\n")
    assert plan.routes == ()
    (skipped,) = plan.skipped
    assert (skipped.what, skipped.needed) == ("the route to h1, h2", True)
    assert skipped.why.endswith("needs Ruby itself")


@pytest.mark.parametrize("text", ["servers: [h1]\nssh: <%= Rails.x %>\n", "servers: <%= Rails.x %>\n"])
def test_unknown_sections_are_not_guessed(machine: Machine, text: str) -> None:
    plan = machine.plan(text)
    assert (plan.routes, [item.needed for item in plan.skipped]) == ((), [True])


def test_an_unknown_registry(machine: Machine) -> None:
    plan = machine.plan("servers: [h1]\n", base="registry: {server: <%= Rails.x %>}\n")
    assert (plan.forwarding.needed, plan.routes, plan.skipped[0].needed) == (True, (), True)


def test_a_branch_that_only_ruby_could_take(machine: Machine) -> None:
    """What stands behind it is walked, and is not taken for all that Kamal would read."""
    text = "servers: [h1]\n<% if Rails.env.staging? %>\nssh: {user: u}\n<% end %>\n"
    plan = machine.plan(text)
    assert len(plan.routes) == 1
    (skipped,) = plan.skipped
    assert (skipped.what, skipped.needed) == (f"what the ERB at {FILE}:{line_of(BASE + text, '<%')} decides", True)
    assert machine.plan('<% require "set" %>\nservers: [h1]\n').skipped == ()


def test_a_file_that_is_no_yaml(machine: Machine) -> None:
    unread = DeployConfig(FILE, None, KamalVersion("2.12.0", "assumed"), None)
    plan = route.plan(unread, Settings(), machine.system, Vantage.LOCAL)
    assert (plan.routes, plan.skipped[0].needed) == ((), True)


def test_an_invalid_file_is_walked_where_it_can_be_read(machine: Machine) -> None:
    text = "servers: {web: {hosts: h1}}\nssh: {user: 5, nonsense: 1}\n"
    plan = route.plan(config(BASE + text), Settings(), machine.system, Vantage.LOCAL)
    assert [r.target.name for r in plan.routes] == ["5@h1"]


@pytest.mark.parametrize("port", ["abc", "0", "70000", "true"])
def test_a_port_that_is_none(machine: Machine, port: str) -> None:
    plan = machine.plan(f"servers: [h1]\nssh: {{port: {port}}}\n")
    assert (plan.routes, plan.skipped[0].needed) == ((), True)


def test_hosts_that_stop_for_one_reason_are_one(machine: Machine) -> None:
    plan = machine.plan("servers: [h1, h2]\nssh: {proxy_command: 'nc %x'}\n")
    assert [item.what for item in plan.skipped] == ["the route to h1, h2"]
    assert len(plan.problems) == 1


def test_one_host_holds_up_no_other(machine: Machine) -> None:
    plan = machine.plan("servers: [h1, '::1']\nssh: {proxy: jump}\n")
    assert [r.target.host.value for r in plan.routes] == ["h1"]
    assert [item.what for item in plan.skipped] == ["the route to ::1"]


def test_direct_addresses_go_raw(machine: Machine) -> None:
    plan = machine.plan("servers: ['[::1]', '::1', 'h:22', 'u@h']\n")
    assert [r.target.address for r in plan.routes] == ["[::1]", "::1", "h:22", "u@h"]


def test_2_8_0_asks_for_localhost(machine: Machine) -> None:
    assert machine.plan("servers: [h1]\n", "2.8.0").routes[0].listen == "localhost"


def test_planning_loads_no_ssh_library() -> None:
    code = (
        "import sys; from kamal_forward_check import route; print({'paramiko', 'fabric', 'socket'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_target_knows_what_net_ssh_would_propose(machine: Machine) -> None:
    machine.write(".ssh/config", "Host h1\n  Ciphers aes128-ctr,aes256-cbc\n  MACs -hmac-sha1*\n")
    machine.write("Gemfile.lock", "GEM\n  specs:\n    x25519 (1.0.10)\n    other (1)\n      rbnacl (>= 5)\n")
    (target,) = machine.hops("servers: [h1]\n")
    assert target.proposes
    assert "curve25519-sha256" in target.proposes.kex
    assert target.proposes.cipher_to_server == ("aes128-ctr", "aes256-cbc")
    assert "hmac-sha1" not in target.proposes.mac_to_client
    (other,) = machine.hops("servers: [h2]\n")
    assert other.proposes
    assert "aes256-cbc" not in other.proposes.cipher_to_server
