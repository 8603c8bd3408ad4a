"""The workflow `selftest`, step by step, on a network of its own: its servers, and what each step comes to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from lab.host import accounts
from lab.isolated import put
from lab.lab import answers
from lab.shell import Shell
from tests.action.conftest import COMMAND, Action
from tests.action.rehearsal import Job
from tests.waiting import until

pytestmark = pytest.mark.isolated

ROOT = Path(__file__).parents[2]
STEPS = yaml.safe_load((ROOT / ".github/workflows/selftest.yml").read_text(encoding="utf-8"))["jobs"]["selftest"][
    "steps"
]
FOR_OUR_HOME = 'mount --bind "$1" /etc/passwd; shift; exec "$@"'


class Runner:
    """A machine with a network of its own, on which the job runs."""

    def __init__(self, folder: Path) -> None:
        self.action = Action(folder / "runner")
        self.agents: list[subprocess.Popen[bytes]] = []
        self.shell = Shell(folder / "runner.log", own=("--net",))
        self.shell.run("ip link set lo up")
        put(folder, {"passwd": accounts({}, root=str(self.action.folder))["/etc/passwd"]})
        (self.action.workspace / "bin").symlink_to(ROOT / "bin")
        (folder / "pipx").write_text("#!/bin/sh\ntest \"$*\" = 'install .'\n")  # what it installs is here already
        (folder / "pipx").chmod(0o755)
        path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
        actions = {"actions/checkout": _nothing, "./": self.ours, "webfactory/ssh-agent": self.agent}
        self.job = Job(
            self.action.workspace,
            self.action.environ | {"PATH": path},
            actions,
            {"runner": {"temp": str(folder)}},
            [*self.shell.enter(), "unshare", "--mount", "sh", "-ec", FOR_OUR_HOME, "sh", str(folder / "passwd")],
        )

    def ours(self, inputs: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
        for name in ("output", "summary"):
            (self.action.commands / name).write_text("")
        environ = self.action.environment(inputs)
        process = subprocess.Popen(
            [*self.shell.enter(), *COMMAND], cwd=self.action.workspace, env=environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
        ended = self.action.end(process)
        self.job.said.append(ended.printed + ended.stderr)
        return ended.status, ended.outputs

    def agent(self, inputs: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
        at = Path(inputs["ssh-auth-sock"])
        # not by the shell, which has its own network alone: what it starts does not end with it
        self.agents.append(subprocess.Popen(["ssh-agent", "-D", "-a", str(at)], stdout=subprocess.DEVNULL))
        until(lambda: answers(at))
        self.action.environ["SSH_AUTH_SOCK"] = self.job.environ["SSH_AUTH_SOCK"] = str(at)
        key = inputs["ssh-private-key"] + "\n"
        subprocess.run(["ssh-add", "-q", "-"], input=key, text=True, check=True, env=self.job.environ)
        return 0, {}


def _nothing(_inputs: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    return 0, {}


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    runner = Runner(tmp_path)
    yield runner
    servers = runner.job.context["steps"].get("servers", {"outputs": {}})["outputs"]
    if process := servers.get("process"):
        os.kill(int(process), signal.SIGTERM)
    for agent in runner.agents:
        agent.terminate()
        agent.wait()
    runner.shell.wait()


def test_every_step_comes_to_what_the_last_one_asks_for(runner: Runner) -> None:
    runner.job.play(STEPS)
    assert "Data went from" in runner.job.said[1]
    assert "AllowTcpForwarding no" in runner.job.said[2]
    assert runner.job.said[-1].count("\n") == len(CAME_TO)


CAME_TO = {
    "grants": ("success", "pass", ""),
    "refuses": ("failure", "fail", "web"),
    "incomplete": ("failure", "incomplete", ""),
    "agent": ("success", "pass", ""),
    "command": ("failure", "fail", "web"),
}


@pytest.mark.parametrize("name", CAME_TO)
@pytest.mark.parametrize("wrong", [("success", "pass", "web"), ("failure", "fail", "bastion"), ("skipped", "", "")])
def test_the_last_step_fails_where_one_came_to_something_else(
    tmp_path: Path, name: str, wrong: tuple[str, str, str]
) -> None:
    steps = {
        step: {"outcome": outcome, "outputs": {"verdict": verdict, "failing-hop": hop}}
        for step, (outcome, verdict, hop) in (CAME_TO | {name: wrong}).items()
    }
    context = {"steps": steps | {"servers": {"outputs": {"refuses": "web"}}}}
    (tmp_path / "workspace").mkdir()
    job = Job(tmp_path / "workspace", {"PATH": os.environ["PATH"]}, {}, context)
    with pytest.raises(AssertionError, match=f"{name}: {' '.join(wrong)}"):
        job.take(STEPS[-1])
