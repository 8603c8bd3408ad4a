"""A step that is cancelled, at either of GitHub's doors and whatever it is at: nothing of it goes on, here or there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.action.conftest import COMMAND, Action
from tests.probe.servers import ME, Servers, Sshd, descendants, free_port, listening, silent
from tests.waiting import until

PROGRAM = str(Path(sys.executable).with_name("kamal-forward-check"))
DOORS = ("container", "run")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
EACH_DOOR = pytest.mark.parametrize(("door", "number"), list(zip(DOORS, SIGNALS, strict=True)))
"""Each door by one of the two signals that a runner sends; both handle both alike."""


@dataclass
class Checked:
    """A step, and what belongs to it."""

    action: Action
    servers: Servers
    temp: Path
    process: subprocess.Popen[str] | None = None

    def start(self, door: str, address: tuple[str, int], ssh: str = "", port: int = 0, **more: str) -> int:
        """Start a check of one server, which asks it for `port`; the process's number."""
        host, number = address
        self.action.write(
            "config/deploy.yml",
            f"service: shop\nimage: shop\nservers: [{host}]\nbuilder: {{arch: amd64}}\n"
            f'registry: {{server: "localhost:{port or free_port()}"}}\nssh: {{user: {ME}, port: {number}{ssh}}}\n',
        )
        known = {name.replace("_", "-"): value for name, value in more.items()}
        flags = [word for name, value in known.items() for word in (f"--{name}", *([value] if value != "true" else []))]
        words = ["check", "--format", "github", "--identity", str(self.servers.key), *flags]
        inputs = {"ssh-private-key": self.servers.key.read_text(encoding="ascii"), **known}
        self.process = subprocess.Popen(
            COMMAND if door == "container" else [PROGRAM, *words],
            cwd=self.action.workspace,
            env=self.action.environment(inputs if door == "container" else {}) | {"TMPDIR": str(self.temp)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self.process.pid

    def end(self, number: int) -> None:
        """Cancel it as a runner does, and see that nothing is left of it on this machine."""
        assert self.process
        started = set(descendants(self.process.pid))
        self.process.send_signal(number)
        said = "".join(self.process.communicate(timeout=60))
        until(lambda: not any(lives(pid) for pid in started))
        assert self.process.returncode == 130
        assert "Traceback" not in said
        assert "interrupted; every connection is closed" in said
        assert list(self.temp.iterdir()) == []


@pytest.fixture
def checked(tmp_path: Path, key: Path) -> Iterator[Checked]:
    for name in ("home", "temp"):
        (tmp_path / name).mkdir()
    checked = Checked(Action(tmp_path / "runner"), Servers(tmp_path, key, tmp_path / "home"), tmp_path / "temp")
    try:
        yield checked
    finally:
        checked.servers.stop()
        if checked.process and checked.process.poll() is None:
            checked.process.kill()


def lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    return False


def at(server: Sshd) -> tuple[str, int]:
    return server.host, server.port


@EACH_DOOR
def test_while_it_reads(checked: Checked, door: str, number: int) -> None:
    pipe = checked.action.workspace / "variables"
    os.mkfifo(pipe)
    checked.start(door, ("127.0.0.1", 1), env_file="variables")
    writer = []

    def is_read() -> bool:
        with suppress(OSError):  # nobody reads yet
            writer.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(writer)

    until(is_read)
    checked.end(number)
    os.close(writer[0])


@EACH_DOOR
def test_while_a_host_says_nothing(checked: Checked, door: str, number: int) -> None:
    with silent() as deaf:
        checked.start(door, deaf.getsockname()[:2])
        connection, _ = deaf.accept()
        checked.end(number)
        with connection, suppress(ConnectionResetError):
            while connection.recv(1000):
                pass  # our banner, and then the end


@EACH_DOOR
def test_while_a_target_holds_the_forward(checked: Checked, door: str, number: int) -> None:
    port = free_port()
    target = checked.servers.sshd("ForceCommand sleep 600")
    checked.start(door, at(target), port=port)
    until(lambda: bool(listening(port)))
    checked.end(number)
    until(lambda: not listening(port))


@EACH_DOOR
def test_what_was_found_by_then_is_said(checked: Checked, door: str, number: int) -> None:
    """Of two targets one has refused when the other, which says nothing, is given up."""
    refuses = checked.servers.sshd("AllowTcpForwarding no")
    with socket.create_server(("127.0.0.9", refuses.port)) as deaf:
        checked.start(door, (f"{refuses.host}, 127.0.0.9", refuses.port))
        with deaf.accept()[0]:
            refuses.waits_for("do_cleanup")  # we have left it
            checked.end(number)
    report = checked.action.report()
    assert [route["verdict"] for route in report["routes"]] == ["fail", "incomplete"]
    assert [finding["code"] for finding in report["findings"] if finding["severity"] == "error"] == ["KF510"]
    assert "the check was interrupted" in str(report["skipped"])


@EACH_DOOR
@pytest.mark.parametrize("trap", ["", "trap '' TERM INT HUP; "], ids=["willing", "stubborn"])
def test_while_commands_lead_nowhere(checked: Checked, door: str, number: int, trap: str) -> None:
    running = checked.action.folder / "running"
    script = checked.action.write("way", f"#!/bin/sh\n{trap}touch {running}\nsleep 600 & sleep 600; sleep 600\n")
    script.chmod(0o755)
    checked.start(door, ("127.0.0.1", 1), f", proxy_command: {script}", allow_proxy_command="true")
    until(running.exists)
    checked.end(number)


@EACH_DOOR
def test_while_a_child_ssh_holds_the_way(checked: Checked, door: str, number: int) -> None:
    """With a key that it has from our agent: the socket is gone as well."""
    servers, port = checked.servers, free_port()
    jump, target = servers.sshd(), servers.sshd("ForceCommand sleep 600")
    known = checked.action.folder / "known"
    known.write_text(jump.pin, encoding="utf-8")
    ssh = f"ssh -F none -o BatchMode=yes -o UserKnownHostsFile={known} -p {jump.port} -W %h:%p {ME}@{jump.host}"
    checked.start(door, at(target), f', proxy_command: "{ssh}"', port, allow_proxy_command="true")
    until(lambda: bool(listening(port)))
    assert jump.log.count("Accepted publickey") == 1
    assert [path.is_socket() for path in checked.temp.glob("*/agent")] == [True]
    checked.end(number)
    until(lambda: not listening(port))


@EACH_DOOR
def test_while_ssh_is_asked_for_its_configuration(checked: Checked, door: str, number: int) -> None:
    running = checked.action.folder / "running"
    checked.action.write("ssh_config", f'Match exec "touch {running}; sleep 600"\n')
    checked.start(door, ("127.0.0.1", 1), ", proxy: bastion, config: ssh_config", allow_proxy_command="true")
    until(running.exists)
    checked.end(number)


@EACH_DOOR
def test_while_it_publishes(checked: Checked, door: str, number: int) -> None:
    """What was written before stands; the summary waits for somebody who reads it."""
    summary = Path(checked.action.environ["GITHUB_STEP_SUMMARY"])
    summary.unlink()
    os.mkfifo(summary)
    checked.start(door, ("127.0.0.1", free_port()))
    assert checked.process
    assert checked.process.stdout
    report = checked.action.workspace / "kamal-forward-check.json"
    said = [checked.process.stdout.readline()]
    while "::endgroup::" not in said[-1]:
        said.append(checked.process.stdout.readline())
    until(lambda: report.exists() and bool(report.read_text(encoding="utf-8")))
    checked.end(number)
