"""What the set-up does to the machine, and says when it may not."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dev import machine

ROOT = Path(__file__).resolve().parents[2]
THEIRS = "#!/bin/sh\nexit 104\n"


@pytest.mark.parametrize("before", [None, THEIRS, machine.REFUSE], ids=["none", "theirs", "left by a killed run"])
def test_daemons_are_refused_for_a_while_and_the_policy_put_back(tmp_path: Path, before: str | None) -> None:
    policy = tmp_path / "policy-rc.d"
    if before:
        policy.write_text(before)
    with machine.starts_refused(policy):
        assert subprocess.run([policy, "ssh", "start"], check=False).returncode == 101
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert left == ({policy.name: THEIRS} if before == THEIRS else {})


def test_the_machines_policy_comes_back_after_a_run_that_was_killed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text(THEIRS)
    killed = (
        "import os, pathlib, signal, sys; sys.path.insert(0, sys.argv[1]); from dev import machine\n"
        "with machine.starts_refused(pathlib.Path(sys.argv[2])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", killed, ROOT, policy], check=False)
    assert done.returncode == -signal.SIGKILL
    assert policy.read_text() == machine.REFUSE
    with machine.starts_refused(policy):
        pass
    assert policy.read_text() == THEIRS


HELD = """
import os, signal
from dev import machine
try:
    with machine.signals_held():
        os.kill(os.getpid(), signal.SIGINT)
        print("held")
except KeyboardInterrupt:
    print("heard")
"""


def test_signals_wait_until_dpkg_is_done() -> None:
    # In a process of its own: a thread that another test left behind would take the signal.
    told = subprocess.run([sys.executable, "-c", HELD], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("held\nheard\n", "")


def test_what_is_missing_is_named_with_a_command_where_it_cannot_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # neither apt-get nor the programs
    monkeypatch.setattr(machine, "SYSTEM_FOLDERS", ())
    with pytest.raises(machine.CannotSetUp) as raised:
        machine.need("openssh-server", "iproute2", "python3-venv")
    assert (
        str(raised.value)
        == "openssh-server and iproute2 missing; for example: sudo apt-get install openssh-server iproute2"
    )


def test_what_is_only_wanted_stops_nobody(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(machine, "SYSTEM_FOLDERS", ())
    machine.want("podman")
    assert capsys.readouterr().err == (
        "kamal-forward-check: going on without: podman missing; for example: sudo apt-get install podman\n"
    )
