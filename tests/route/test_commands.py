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
    'Proxy"Command" sh -c x',
    '""ProxyCommand sh -c x',
    "\r ProxyCommand\rsh -c x",
    "IgnoreUnknown ProxyCommand\nProxyCommand sh -c x",
)

MATCHES = (
    'Match exec "{}"',
    '\tMATCH\tEXEC\t"{}"',
    'match=exec="{}"',
    '"Match" "exec" "{}"',
    'Ma"tch" ex"ec" "{}"',
    'Match!exec "{}"',
    'Match !exec "{}"',
    'Match "!exec" "{}"',
    'Match host * exec "{}"',
    'Match host="*" exec="{}"',
    'Match\rexec "{}"',
    'Match host *\rexec "{}"',
    '\t\r Match exec "{}"\r',
    '"" Match exec "{}"',
    '""Match exec "{}"',
    '=Match exec "{}"',
    'Match""exec "{}"',
    '"Match"exec "{}"',
    'Match exec "{}"\f',
    "# x\rMatch exec {}",
    "Match 'exec' {}",
    'Match user * host * final exec "{}"',
    'CanonicalizeHostname yes\nMatch canonical exec "{}"',
    'Match e\\xec "{}"',
    'Host x\n  Port 1\nMatch exec "{}"',
    'IgnoreUnknown match\nMatch exec "{}"',
    '\\Match exec "{}"',
    "\ufeffMatch exec {}",
    'Match\vexec "{}"',
    'Match\u00a0exec "{}"',
    'Match host x,exec "{}"',
    "Match\0exec {}",
    "#Match exec {}",
    "Include {folder}/more",
    "Include {folder}/mor*",
    'Inc"lude" "{folder}/more"',
    "include={folder}/more",
    '"Include"{folder}/more',
)
"""Lines of which some have ssh run a command, and some are nothing to it."""


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


def test_whatever_has_ssh_run_a_command_is_refused(tmp_path: Path) -> None:
    """Held against the real ssh: more may be refused than it runs, and nothing that it runs is not."""
    machine, mark = Machine(tmp_path), tmp_path / "mark"
    machine.write("more", f"Match exec {mark}.sh\n")
    machine.write("mark.sh", f"#!/bin/sh\ntouch {mark}\n").chmod(0o755)
    started, missed = set(), set()
    for line in MATCHES:
        text = line.replace("{}", f"{mark}.sh").replace("{folder}", str(tmp_path))
        refused = bool(refusals(machine, text))
        mark.unlink(missing_ok=True)
        asked = ["ssh", "-G", "-F", str(tmp_path / "deploy/ssh_config"), "10.0.0.1"]
        subprocess.run(asked, check=False, capture_output=True, timeout=60)
        if mark.exists():
            started.add(line)
            missed |= set() if refused else {line}
    assert not missed
    assert len(started) > len(MATCHES) / 2, "ssh takes most of them"


@pytest.mark.parametrize("line", ["ProxyCommand no\\ne", "ProxyCommand 'none'", 'ProxyCommand no"ne"'])
def test_what_is_none_to_ssh_alone_is_a_program_to_net_ssh(tmp_path: Path, line: str) -> None:
    assert ["ProxyCommand may start" in why for why in refusals(Machine(tmp_path), line)] == [True, True]


@pytest.mark.parametrize("name", ["deploy/%h.conf", "deploy/big.conf"])
def test_a_file_that_can_not_be_read_through_before_is_refused(tmp_path: Path, name: str) -> None:
    machine = Machine(tmp_path)
    machine.write("deploy/10.0.0.1.conf", "ProxyCommand x\n")
    machine.write("deploy/big.conf", "#\n" * 600_000 + "ProxyCommand x\n")
    made = plans(machine, f"servers: [10.0.0.1]\nssh: {{config: {name}, proxy: bastion}}\n")
    assert [f"config/deploy.yml:6: ssh.config {name}, " in item.why for plan in made for item in plan.skipped] == [
        True
    ] * 2


@pytest.mark.parametrize(
    "line", ["User ${API_KEY}", "SetEnv X=${API_KEY}", 'Us"er" ${API_KEY}', "HostName ${API_KEY}.x"]
)
def test_a_server_is_not_told_what_a_variable_holds(tmp_path: Path, line: str) -> None:
    assert ["may tell a server" in why for why in refusals(Machine(tmp_path), line)] == [True, True]


@pytest.mark.parametrize(
    "line",
    ["ProxyJump $(touch x)@bastion", "ProxyJump a,`id`", "HostName \"x'$(id)'\"", "User a;id", "CanonicalDomains |id"],
)
def test_no_name_goes_to_a_shell(tmp_path: Path, line: str) -> None:
    """ssh calls itself for a ProxyJump by a command line, into which it copies names (CVE-2023-51385 and its like)."""
    assert ["with what a shell takes for its own" in why for why in refusals(Machine(tmp_path), line)] == [True, True]


@pytest.mark.parametrize(
    "line",
    [
        *("ProxyCommand none", "PKCS11Provider=none", 'KnownHostsCommand "none"'),
        *("IdentityFile ${HOME}/.ssh/deploy", "IdentityAgent ${AGENT}", "User deploy"),
        *("ProxyJump ops@a:2222,[::1]:22", "HostName %h.lan", '"User" "deploy"', "ProxyJump ssh://u@b"),
    ],
)
def test_what_says_none_and_the_names_of_files_are_no_reason(tmp_path: Path, line: str) -> None:
    assert not [why for why in refusals(Machine(tmp_path), line) if "nothing was dialled" in why]


@pytest.mark.parametrize("line", ["# ProxyCommand x", "ProxyJump bastion", "Match host web.example", "Port 22"])
def test_what_starts_nothing_is_no_reason(tmp_path: Path, line: str) -> None:
    assert not [why for why in refusals(Machine(tmp_path), line) if "may start" in why]


def test_every_file_of_a_list_is_looked_at(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write("a", "Port 22\n")
    machine.write("b", "ProxyCommand x\n")
    made = plans(machine, "servers: [10.0.0.1]\nssh: {config: [a, b]}\n")
    assert ["b:1: ProxyCommand" in item.why for plan in made for item in plan.skipped] == [True, True]


@pytest.mark.parametrize("value", ["2024", "[2024]", "1.5", "~", "[]", "[[a]]", "{a: b}", "true", "false"])
def test_what_is_no_name_of_a_file_is_none_here_either(tmp_path: Path, value: str) -> None:
    machine = Machine(tmp_path)
    for name in ("2024", "1.5", "None", "[]", "a", "b", "True", "False"):
        machine.write(name, "Host *\n  ProxyCommand x\n")
    made = plans(machine, f"servers: [10.0.0.1]\nssh: {{config: {value}}}\n")
    assert not [hop for plan in made for way in plan.routes for hop in way.hops if hop.proxy_command]


def test_a_machines_own_files_are_its_owners_word(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write(".ssh/config", "ProxyCommand nc %h %p\n")
    assert all(plan.routes for plan in plans(machine, "servers: [10.0.0.1]\nssh: {config: ~/.ssh/config}\n"))
