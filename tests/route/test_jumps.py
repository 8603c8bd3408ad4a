"""From Kamal's proxy string to the jumps. The real ssh is asked, and never dials."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from random import Random

import pytest

from kamal_forward_check.model import Client, Given, Role, Vantage
from kamal_forward_check.route.jumps import first_call, with_kamals_user
from kamal_forward_check.route.not_followed import NotFollowed
from tests.route.made import BASE, Machine, line_of
from tests.route.oracle import KAMAL, needs_kamal, ruby

SERVERS = "servers: [10.0.0.9]\n"


def proxied(proxy: str, more: str = "") -> str:
    return f"{SERVERS}ssh:\n  proxy: {proxy!r}\n{more}"


@pytest.mark.parametrize(
    ("proxy", "jumps"),
    [
        ("host", ["root@host"]),
        ("user@host", ["user@host"]),
        ("user@host:2222", ["user@host:2222"]),
        ("host:2222", ["root@host:2222"]),
        ("a,b", ["LOCAL@b", "root@a"]),
        ("a, b", ["LOCAL@b", "root@a"]),
        ("a,user@b", ["user@b", "LOCAL@a"]),
        ("user@a,b", ["LOCAL@b", "user@a"]),
        ("a,b,c:2222", ["LOCAL@b", "LOCAL@c:2222", "root@a"]),
        ("[::1]", ["root@[::1]"]),
        ("u@a,u@[::1]:2222", ["u@[::1]:2222", "u@a"]),
        ("ssh://u@h:22", ["LOCAL@ssh"]),
        ("user:pw@host", ["user@host"]),
        ("user@host:", ["user@host"]),
        ("h_x/path", ["root@h_x"]),
    ],
)
def test_kamals_proxy_strings(machine: Machine, proxy: str, jumps: list[str]) -> None:
    """Kamal's root goes where no user is named anywhere; of two names, the first is dialled last."""
    *before, target = machine.hops(proxied(proxy))
    local = machine.system.account.name
    assert [hop.name for hop in before] == [jump.replace("LOCAL", local) for jump in jumps]
    assert {(hop.role, hop.dialled_by) for hop in before} == {(Role.JUMP, Client.OPENSSH)}
    assert (target.name, target.role, target.dialled_by) == ("root@10.0.0.9", Role.TARGET, Client.NET_SSH)


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("::1", "URI::InvalidURIError"),
        ("a , b", "URI::InvalidURIError"),
        ("ho st", "URI::InvalidURIError"),
        ("dom\\user@h", "URI::InvalidURIError"),
        ("user@h:abc", "URI::InvalidURIError"),
        ("host%x", "URI::InvalidURIError"),
        ("u%40x@h", "ArgumentError"),
        ("", "leaves a name empty"),
        ("h,", "leaves a name empty"),
        ("@h", "leaves a name empty"),
        ("h:99999", "Bad port"),
        ("a,a", "jumphost loop"),
        ("-oFoo", "begins with - for an option"),
        ("-V", "begins with - for an option"),
        ("b,-Fx", "hostname"),
    ],
)
def test_strings_that_kamal_stops_at(machine: Machine, proxy: str, why: str) -> None:
    text = proxied(proxy)
    plan = machine.plan(text)
    (problem,) = plan.problems
    assert why in problem.message
    assert problem.at.line == line_of(BASE + text, "proxy:")
    assert plan.routes == ()
    assert [(item.what, item.needed) for item in plan.skipped] == [("the route to 10.0.0.9", True)]


def test_what_a_shell_would_change_is_not_followed(machine: Machine) -> None:
    plan = machine.plan(proxied("$(whoami)@h"))
    assert (plan.routes, plan.problems) == ((), ())
    assert "shell" in plan.skipped[0].why


def test_every_jump_points_at_the_proxy_line(machine: Machine) -> None:
    text = proxied("u@a:2222,b")
    spans = [hop.origin for hop in machine.hops(text)]
    assert [span.line for span in spans if span] == [line_of(BASE + text, "proxy:")] * 2 + [
        line_of(BASE + text, "10.0.0.9")
    ]


def test_routes_share_their_jumps(machine: Machine) -> None:
    plan = machine.plan("servers: [h1, h2]\nssh: {proxy: 'a,b'}\n")
    one, other = plan.routes
    assert all(mine is its for mine, its in zip(one.jumps, other.jumps, strict=True))


SSH_CONFIG = """\
Host jump
  HostName 192.0.2.7
  Port 2200
  User nobody
  ProxyJump first,gate-to-%n:99
Host first
  User one
Host gate-*
  ProxyCommand nc %h %p
"""


def test_proxyjump_of_a_jump(machine: Machine) -> None:
    """ssh.config goes to the jump's ssh as -F; what stands there knows its line."""
    file = machine.write("ssh.conf", SSH_CONFIG)
    first, gate, jump, target = machine.hops(f"{SERVERS}ssh: {{proxy: ops@jump, config: {file}}}\n")
    assert [hop.name for hop in (first, gate, jump)] == [
        "one@first",
        f"{machine.system.account.name}@gate-to-jump:99",
        "ops@jump:2200",
    ]
    assert target.address == "10.0.0.9"
    assert jump.address == "192.0.2.7"
    assert [hop.origin.line for hop in (first, gate) if hop.origin] == [5, 5]
    assert jump.port.at is not None
    assert (Path(jump.port.at.file), jump.port.at.line) == (file, 3)
    assert first.user.at is not None
    assert first.user.at.line == 7
    assert gate.proxy_command is None  # it is reached through `first`: -J goes before its ProxyCommand


def test_proxycommand_of_a_jump(machine: Machine) -> None:
    file = machine.write("ssh.conf", "Host b\n  HostName 192.0.2.8\n  ProxyCommand nc -X %r %h %p 100%%\n")
    b, a, _ = machine.hops(f"{SERVERS}ssh: {{proxy: 'root@a,u@b:77', config: {file}}}\n")
    assert a.proxy_command is None
    assert b.proxy_command is not None
    assert b.proxy_command.value == "nc -X u 192.0.2.8 77 100%"
    assert b.proxy_command.at is not None
    assert b.proxy_command.at.line == 3


def test_jumps_without_an_end(machine: Machine) -> None:
    file = machine.write("ssh.conf", "Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    plan = machine.plan(f"{SERVERS}ssh: {{proxy: a, config: {file}}}\n")
    assert "come to no end" in plan.skipped[0].why


def test_a_missing_config_file_stops_the_jumps_ssh(machine: Machine) -> None:
    plan = machine.plan(f"{SERVERS}ssh: {{proxy: a, config: /nowhere/conf}}\n")
    assert "Can't open user config file" in plan.problems[0].message


def test_in_a_container_a_missing_file_proves_nothing(machine: Machine) -> None:
    """A call that ssh takes without its files may be good where they are; others are not."""
    machine.write("c", "Include ~/x\nNonsense yes\n")
    for text, problems in (("{proxy: a, config: c}", 0), ("{proxy: 'a:99999', config: c}", 1), ("{config: gone}", 0)):
        plan = machine.plan(f"{SERVERS}ssh: {text}\n", vantage=Vantage.CONTAINER, allow_proxy_command=True)
        assert (plan.routes, len(plan.problems), plan.skipped[0].needed) == ((), problems, True)
    assert machine.plan(f"{SERVERS}ssh: {{config: true}}\n", vantage=Vantage.CONTAINER).routes


def test_a_known_hosts_command_is_not_run(machine: Machine) -> None:
    made = machine.home / "made"
    machine.write("c", f"KnownHostsCommand /usr/bin/touch {made}\n")
    plan = machine.plan(f"{SERVERS}ssh: {{proxy: a, config: c}}\n")
    assert "KnownHostsCommand" in plan.skipped[0].why
    assert not made.exists()


def test_a_list_of_config_files_breaks_a_jump_alone(machine: Machine) -> None:
    """Kamal hands ssh the list as Ruby prints it: -F ["…"]."""
    file = machine.write("ssh.conf", "Host 10.0.0.9\n  HostName 192.0.2.9\n")
    config = f"config: [{file}]"
    (target,) = machine.hops(f"{SERVERS}ssh: {{{config}}}\n")
    assert target.address == "192.0.2.9"
    (problem,) = machine.plan(f"{SERVERS}ssh: {{proxy: a, {config}}}\n").problems
    assert problem.path == "ssh/config"
    assert machine.plan(f"{SERVERS}ssh: {{proxy: a, {config}}}\n", "2.8.2").problems == ()


@pytest.mark.parametrize(
    ("host", "address"),
    [("10.0.0.9", "10.0.0.9"), ("'[::1]'", "::1"), ("'::1'", None), ("'h:22'", None), ("u@h", "u@h")],
)
def test_the_address_that_a_jump_is_asked_for(machine: Machine, host: str, address: str | None) -> None:
    """`-W HOST:PORT`: ssh takes brackets off, and stops at a bare colon."""
    text = f"servers:\n  - {host}\nssh: {{proxy: jump}}\n"
    plan = machine.plan(text)
    assert [route.target.address for route in plan.routes] == ([address] if address else [])
    assert [problem.at.line for problem in plan.problems] == ([] if address else [line_of(BASE + text, host)])
    real = subprocess.run(["ssh", "-G", "-W", f"{shlex.split(host)[0]}:22", "jump"], capture_output=True, check=False)
    assert (real.returncode == 0) is (address is not None)


@needs_kamal
def test_net_ssh_agrees_about_the_command() -> None:
    """3,000 random strings: wherever a call comes out, it is the very command of net-ssh's Proxy::Jump."""
    random = Random(3)  # noqa: S311 - the same at every run
    parts = [
        "a",
        "b.c",
        "u@",
        "x:y@",
        "@",
        ":",
        "22",
        ",",
        ",",
        " ",
        "[::1]",
        "[1::2::3]",
        "%h",
        "%",
        "%41",
        "/",
    ]
    parts += ["-", "_", "~", "$", "'", "\\", "ssh://", "::1", "1.2.3.4", "+", "="]
    strings = ["".join(random.choices(parts, k=random.randint(1, 5))) for _ in range(3000)]
    question = """begin
      jump = Net::SSH::Proxy::Jump.new(it.include?("@") ? it : "root@#{it}")
      jump.build_proxy_command_equivalent({ config: "/f" })
      jump.instance_variable_get(:@command_line_template).gsub(/%(.)/) {
        { "h" => "TARGET", "p" => "77", "%" => "%" }.fetch($1) }
    end"""
    called = 0
    for text, kamals in zip(strings, ruby(question, strings), strict=True):
        try:
            call = first_call(Given(with_kamals_user(text), "ssh.proxy"), "/f", "TARGET", 77)
        except NotFollowed:
            continue
        called += 1
        assert list(call.command_to("TARGET", 77)) == shlex.split(kamals), text
    assert called > 200


@needs_kamal
@pytest.mark.parametrize("proxy", ["user@a:2222", "a,user@b,c", "a, b"])
def test_kamal_calls_ssh_so(tmp_path: Path, proxy: str) -> None:
    """The real `kamal build pull`, with an ssh on its PATH that notes its arguments."""
    log = tmp_path / "arguments"
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {log}.new; mv {log}.new {log}; exit 255\n')
    ssh.chmod(0o755)
    (tmp_path / "deploy.yml").write_text(BASE + proxied(proxy))
    environ = {"PATH": f"{ssh.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    with subprocess.Popen(
        [KAMAL, "build", "pull", "-c", "deploy.yml", "--version", "x"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as kamal:
        try:
            while not log.exists() and kamal.poll() is None:
                time.sleep(0.02)
        finally:
            os.killpg(kamal.pid, signal.SIGKILL)
    call = first_call(Given(with_kamals_user(proxy), "ssh.proxy"), "", "10.0.0.9", 22)
    assert log.read_text().split() == [*call.arguments[:-1], "-W", "10.0.0.9:22", call.host]
