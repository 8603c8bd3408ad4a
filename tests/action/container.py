"""The action's image run as GitHub's runner runs a container: its arguments, mounts, environment, signals."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from dev import containers, machine
from lab import can_isolate
from tests.action.conftest import Action

ROOT = Path(__file__).parents[2]
OWNER = 1001
"""The user of GitHub's own runners, to whom the workspace belongs."""

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "CI": "true",
    "GITHUB_ACTION": "__self",
    "GITHUB_ACTOR": "octo",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_BASE_REF": "",
    "GITHUB_HEAD_REF": "",
    "GITHUB_JOB": "deploy",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REF_NAME": "main",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_REPOSITORY": "octo/shop",
    "GITHUB_REPOSITORY_OWNER": "octo",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_RUN_ID": "1",
    "GITHUB_RUN_NUMBER": "1",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_SHA": "0" * 40,
    "GITHUB_TRIGGERING_ACTOR": "octo",
    "GITHUB_WORKFLOW": "deploy",
    "RUNNER_ARCH": "X64",
    "RUNNER_ENVIRONMENT": "github-hosted",
    "RUNNER_NAME": "runner",
    "RUNNER_OS": "Linux",
    "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
    "ACTIONS_RUNTIME_TOKEN": "a secret of the runner",
}


def cannot_run(engine: str) -> str:
    """Why no container can be run here, or nothing."""
    if engine == "podman":
        absent = [package for package in machine.CONTAINERS if not machine.PRESENT[package]()]
        if why_not := can_isolate() or " and ".join(f"{package} not installed" for package in absent):
            return why_not
    asked = containers.engine(engine)("info")
    if asked.returncode == 0:
        asked = containers.prepared(engine)("run", "--rm", "--network=none", containers.base(), "true")
    return asked.stderr.strip() if asked.returncode else ""


@dataclass
class Contained(Action):
    """The action in a container, whose workspace and files lie below `folder`."""

    engine: str = "podman"
    network: str = "none"
    """What --network says: a runner names the job's own; none, where nobody is to be reached."""
    read_only: bool = False
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        for folder in (self.temp / "_github_home", self.temp / "_github_workflow"):
            folder.mkdir(parents=True)
        (self.folder / "docker.sock").touch()
        self.environ |= ENVIRONMENT | {
            "HOME": str(self.temp / "_github_home"),
            "GITHUB_PATH": str(self.commands / "path"),
            "GITHUB_ENV": str(self.commands / "env"),
            "GITHUB_STATE": str(self.commands / "state"),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_WORKSPACE": str(self.folder),
        }
        self.event("push", {})

    @property
    def temp(self) -> Path:
        """The runner's temporary folder."""
        return self.folder / "_temp"

    @property
    def commands(self) -> Path:
        return self.temp / "_runner_file_commands"

    @property
    def _mounts(self) -> Mapping[Path, str]:
        """Where in the container a folder lies, the inner ones first: a value that lies in one is translated."""
        return {
            self.folder / "docker.sock": "/var/run/docker.sock",
            self.temp / "_github_home": "/github/home",
            self.temp / "_github_workflow": "/github/workflow",
            self.commands: "/github/file_commands",
            self.workspace: "/github/workspace",
            self.temp: "/github/runner_temp",
        }

    def _translated(self, value: str) -> str:
        for outside, inside in self._mounts.items():
            if value == str(outside) or value.startswith(f"{outside}/"):
                return inside + value[len(str(outside)) :]
        return value

    def event(self, name: str, event: object) -> None:
        super().event(name, event)
        (self.folder / "event.json").rename(self.temp / "_github_workflow" / "event.json")
        self.environ["GITHUB_EVENT_PATH"] = str(self.temp / "_github_workflow" / "event.json")

    def start(self, inputs: Mapping[str, str], before: str = "") -> subprocess.Popen[str]:
        """Start the container, as `docker run` is started by the runner, every declared input among its variables."""
        assert not before
        given = {**_defaults(), **inputs}
        environ = {name: self._translated(value) for name, value in self.environment(given).items()}
        # The runner names them only, and has the values in the client's own environment. Here the client would be led
        # astray by a PATH that is meant for the container.
        variables = [word for name, value in environ.items() for word in ("-e", f"{name}={value}")]
        mounts = [word for outside, inside in self._mounts.items() for word in ("-v", self._mount(outside, inside))]
        self.names.append(f"kamalforwardcheck_{secrets.token_hex(3)}")
        return subprocess.Popen(
            [
                *containers.engine(self.engine).command,
                *("run", "--name", self.names[-1], "--label", "5f2a1c", "--workdir", "/github/workspace", "--rm"),
                *variables, "--network", self.network, *mounts, containers.IMAGE,
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip

    def _mount(self, outside: Path, inside: str) -> str:
        return f"{outside}:{inside}{':ro' if self.read_only and outside == self.workspace else ''}"

    def owned_by(self, uid: int) -> None:
        """Let the workspace, and what the runner made for the step, belong to this user."""
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)

    def kill(self) -> None:
        """End every container that was started, where a test left one behind."""
        for name in self.names:
            containers.engine(self.engine)("kill", name)


@cache
def _defaults() -> dict[str, str]:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    return {name: declared.get("default", "") for name, declared in inputs.items()}
