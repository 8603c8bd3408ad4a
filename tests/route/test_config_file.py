"""Lines of ssh_config, and those that ssh applies: held against the real ssh."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kamal_forward_check.model import Skipped
from kamal_forward_check.route.config_file import SshFiles, lines
from kamal_forward_check.route.not_followed import NotFollowed
from kamal_forward_check.route.openssh import Answer, Call, OpenSsh, SshRefusesError
from kamal_forward_check.system import System
from tests.route.made import Machine

CONFIG = """\
# a comment
User = global
Host other
  Port 1
Host !not.example *.example
  Port 2
\tProxyJump "gate"
Match host a.example user ops
  IdentityFile ~/.ssh/%h_key
Match all
  HostName %h.lan
"""


def no_ssh(machine: Machine) -> System:
    """The machine without an ssh on it."""

    def run(command: Sequence[str], *_: object) -> subprocess.CompletedProcess[str]:
        raise FileNotFoundError(command[0])

    return replace(machine.system, runner=run)


def test_lines_keep_their_numbers(machine: Machine) -> None:
    read = {line.keyword: (line.at.line, line.text) for line in lines(machine.system, machine.write("c", CONFIG))}
    assert read["user"] == (2, "global")
    assert read["proxyjump"] == (7, "gate")
    assert read["hostname"] == (11, "%h.lan")


@pytest.mark.parametrize("host", ["a.example", "b.example", "not.example", "other"])
@pytest.mark.parametrize("user", ["ops", "root"])
def test_the_lines_that_apply_say_what_ssh_says(machine: Machine, host: str, user: str) -> None:
    file = machine.write("c", CONFIG)
    call = Call(host, user, config=str(file))
    of_ssh = OpenSsh(machine.system).ask(call)
    of_files = OpenSsh(no_ssh(machine)).ask(call)
    for keyword in ("hostname", "port", "user", "proxyjump"):
        assert of_files.one(keyword) == of_ssh.one(keyword)
    named = [
        line.text
        for line, _ in SshFiles(machine.system, str(file)).applying(host, user)
        if line.keyword == "identityfile"
    ]
    assert named == [name for name in of_ssh.all("identityfile") if "%" in name]


def test_a_value_knows_its_line(machine: Machine) -> None:
    file = machine.write("c", CONFIG)
    answer = OpenSsh(machine.system).ask(Call("a.example", "ops", config=str(file)))
    at = {keyword: answer.given(keyword).at for keyword in ("port", "proxyjump", "hostname", "stricthostkeychecking")}
    assert {keyword: span and span.line for keyword, span in at.items()} == {
        "port": 6,
        "proxyjump": 7,
        "hostname": 11,
        "stricthostkeychecking": None,
    }
    assert at["port"] is not None
    assert at["port"].file == str(file)


def test_included_files_know_their_own_lines(machine: Machine) -> None:
    inner = machine.write("inner.conf", "Host h\n  Port 99\n")
    file = machine.write("c", f"Host other\n  Include {inner}\nHost h\n  Include {machine.home}/inn*.conf\n")
    answer = OpenSsh(machine.system).ask(Call("h", config=str(file)))
    assert answer.one("port") == "99"
    at = answer.given("port").at
    assert at is not None
    assert (Path(at.file), at.line) == (inner, 2)


def test_match_exec_is_sshs_to_judge(machine: Machine) -> None:
    file = machine.write("c", 'Match host h exec "test -d /"\n  Port 99\n')
    call = Call("h", config=str(file))
    assert OpenSsh(machine.system).ask(call).one("port") == "99"
    with pytest.raises(NotFollowed, match=r"c:2 may apply"):
        OpenSsh(no_ssh(machine)).ask(call)


def test_without_an_ssh_it_is_said(machine: Machine) -> None:
    openssh = OpenSsh(no_ssh(machine))
    for host in ("a", "b"):
        openssh.ask(Call(host, config=str(machine.write("c", ""))))
    assert [(item.needed, "no ssh here" in item.why) for item in openssh.skipped] == [(False, True)]
    assert isinstance(openssh.skipped[0], Skipped)


def test_ssh_that_stops_is_quoted(machine: Machine) -> None:
    file = machine.write("c", "Nonsense yes\n")
    with pytest.raises(SshRefusesError, match="Bad configuration option: nonsense"):
        OpenSsh(machine.system).ask(Call("h", config=str(file)))


def test_ssh_is_asked_once_for_each_call(machine: Machine) -> None:
    asked = []

    def run(command: Sequence[str], limit: float, _: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return machine.system.run(command, limit)

    openssh = OpenSsh(replace(machine.system, runner=run))
    for call in (Call("a"), Call("b"), Call("a"), Call("a", "u")):
        openssh.ask(call)
    assert asked == [("ssh", "-G", "a"), ("ssh", "-G", "b"), ("ssh", "-G", "-l", "u", "a")]


def test_paths_as_ssh_reads_them(machine: Machine) -> None:
    system = replace(machine.system, environ={"KEYS": "/keys"})
    answer = Answer(Call("h"), system, {"hostname": ["192.0.2.1"], "port": ["22"], "user": ["ops"]})
    assert answer.path("~/.ssh/%r@%h:%p") == f"{machine.home}/.ssh/ops@192.0.2.1:22"
    assert answer.path("${KEYS}/%n") == "/keys/h"
    assert answer.path("%d/x%%") == f"{machine.home}/x%"
