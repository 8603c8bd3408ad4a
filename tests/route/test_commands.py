"""What a file of the repository may start, and what holds it back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kamal_forward_check.model import Plan, Vantage
from tests.route.made import Machine

ON_A_RUNNER = (Vantage.CONTAINER, Vantage.RUNNER)
COMMAND = "servers: [10.0.0.1]\nssh:\n  proxy_command: nc %h %p\n"
CONFIG = "servers: [10.0.0.1]\nssh: {config: deploy/ssh_config}\n"

SPELLINGS = (
    "ProxyCommand sh -c x",
    "proxycommand=sh -c x",
    "\t PROXYCOMMAND\t=\tsh -c x",
    '"ProxyCommand" sh -c x',
    "=ProxyCommand sh -c x",
    "Host nobody-is-called-so\n  Port 1\nHost *\n  ProxyCommand sh -c x",
    "ProxyCommand sh -c x\r",
)


def plans(machine: Machine, text: str, *, allowed: bool = False) -> list[Plan]:
    return [machine.plan(text, vantage=vantage, allow_proxy_command=allowed) for vantage in ON_A_RUNNER]


def refusals(machine: Machine, line: str) -> list[str]:
    """Why no route is walked where this is the third line of the file that ssh.config names."""
    machine.write("deploy/ssh_config", f"# ours\nUser app\n{line}\n")
    return [item.why for plan in plans(machine, CONFIG) for item in plan.skipped if not plan.routes]


@pytest.mark.parametrize("vantage", Vantage)
def test_a_proxy_command_is_held_back_on_a_runner_with_its_line(tmp_path: Path, vantage: Vantage) -> None:
    plan = Machine(tmp_path).plan(COMMAND, vantage=vantage)
    if vantage is Vantage.LOCAL:
        assert plan.routes
        return
    (skipped,) = plan.skipped
    assert not plan.routes
    assert skipped.needed
    assert skipped.why.startswith("config/deploy.yml:7: ssh.proxy_command may start a command")


def test_it_is_started_where_somebody_allows_it(tmp_path: Path) -> None:
    assert all(plan.routes for plan in plans(Machine(tmp_path), COMMAND, allowed=True))


@pytest.mark.parametrize("line", SPELLINGS)
def test_a_file_is_refused_however_ssh_lets_a_command_be_written(tmp_path: Path, line: str) -> None:
    machine = Machine(tmp_path)
    why = refusals(machine, line)
    asked = ["ssh", "-G", "-F", str(tmp_path / "deploy/ssh_config"), "10.0.0.1"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "proxycommand sh -c x" in said, "ssh takes it"
    at = 3 + line.count("\n")
    assert [f"deploy/ssh_config:{at}: ProxyCommand may start" in each for each in why] == [True, True]


@pytest.mark.parametrize(
    ("line", "keyword"),
    [
        ("Match exec true", "Match exec"),
        ('match host x !exec "touch y"', "Match exec"),
        ('Match "exec" "touch y"', "Match exec"),
        ("KnownHostsCommand /bin/echo", "KnownHostsCommand"),
        ("PKCS11Provider /tmp/x.so", "PKCS11Provider"),
        ("SecurityKeyProvider /tmp/x.so", "SecurityKeyProvider"),
        ("LocalCommand id", "LocalCommand"),
        ("Include more", "Include"),
    ],
)
def test_all_else_that_starts_something_is_refused_too(tmp_path: Path, line: str, keyword: str) -> None:
    assert [f"ssh_config:3: {keyword} may start" in why for why in refusals(Machine(tmp_path), line)] == [True, True]


@pytest.mark.parametrize("line", ["# ProxyCommand x", "ProxyJump bastion", "Match host web.example", "Port 22"])
def test_what_starts_nothing_is_no_reason(tmp_path: Path, line: str) -> None:
    assert not [why for why in refusals(Machine(tmp_path), line) if "may start" in why]


def test_every_file_of_a_list_is_looked_at(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write("a", "Port 22\n")
    machine.write("b", "ProxyCommand x\n")
    made = plans(machine, "servers: [10.0.0.1]\nssh: {config: [a, b]}\n")
    assert ["b:1: ProxyCommand" in item.why for plan in made for item in plan.skipped] == [True, True]


def test_a_machines_own_files_are_its_owners_word(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write(".ssh/config", "ProxyCommand nc %h %p\n")
    assert all(plan.routes for plan in plans(machine, "servers: [10.0.0.1]\nssh: {config: ~/.ssh/config}\n"))
