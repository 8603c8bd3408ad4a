from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dev import containers
from lab import Lab, can_isolate
from lab.host import File
from tests.action.runner import Step, assignments

if TYPE_CHECKING:
    from tests.action.container import Contained

ENTRYPOINT = Path(__file__).parents[2] / "entrypoint.py"
COMMAND = [sys.executable, "-I", str(ENTRYPOINT)]


@dataclass
class Ended:
    """What is left of a step."""

    status: int
    printed: str
    stderr: str
    step: Step
    outputs: dict[str, str]
    summary: str


@dataclass
class Action:
    """The action in a workspace, with a runner's environment around it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.workspace / ".git").mkdir(parents=True)
        self.commands.mkdir(parents=True, exist_ok=True)
        for name in ("output", "summary"):
            (self.commands / name).touch()
        self.environ |= {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.commands / "output"),
            "GITHUB_STEP_SUMMARY": str(self.commands / "summary"),
            "GITHUB_EVENT_NAME": "push",
        }

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def commands(self) -> Path:
        """Where the files lie that a step writes to."""
        return self.folder

    def write(self, path: str, text: str) -> Path:
        """A file of the workspace."""
        file = self.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def event(self, name: str, event: Any) -> None:
        """Let the workflow run for `event`."""
        path = self.folder / "event.json"
        path.write_text(json.dumps(event), encoding="utf-8")
        self.environ |= {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path)}

    def environment(self, inputs: Mapping[str, str]) -> dict[str, str]:
        """The variables of a step with `inputs`."""
        return self.environ | {f"INPUT_{name.upper()}": value for name, value in inputs.items()}

    def start(self, inputs: Mapping[str, str], before: str = "") -> subprocess.Popen[str]:
        """Start the entrypoint as the image does; `before` is code that runs first, to put a check in place."""
        entered = f"{before}\nimport runpy\nrunpy.run_path({str(ENTRYPOINT)!r}, run_name='__main__')"
        return subprocess.Popen(
            [sys.executable, "-I", "-c", entered] if before else COMMAND,
            cwd=self.workspace,
            env=self.environment(inputs),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, before: str = "", **inputs: str) -> Ended:
        """Run the action; `config_file` stands for the input config-file."""
        return self.end(self.start({name.replace("_", "-"): value for name, value in inputs.items()}, before))

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for the end, and read what is left."""
        printed, stderr = process.communicate(timeout=60)
        return self.left(process.returncode, printed, stderr)

    def left(self, status: int, printed: str, stderr: str) -> Ended:
        """What a runner reads after a step."""
        return Ended(
            status,
            printed,
            stderr,
            Step().read(printed),
            assignments((self.commands / "output").read_text(encoding="utf-8")),
            (self.commands / "summary").read_text(encoding="utf-8"),
        )

    def report(self, path: str = "kamal-forward-check.json") -> Any:
        """The JSON report in the workspace."""
        return json.loads((self.workspace / path).read_text(encoding="utf-8"))


@pytest.fixture
def action(tmp_path: Path) -> Action:
    return Action(tmp_path)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The engine that was asked for, with the image built. Skips only where its parts, or a container, can't be had."""
    from tests.action.container import cannot_run

    name = str(request.config.getoption("--engine"))
    try:
        why_not = cannot_run(name)
        if not why_not:
            containers.build(name)
    except containers.OutOfReach as error:
        why_not = str(error)
    if why_not:
        pytest.skip(f"no container can be run: {why_not}")
    return name


@pytest.fixture
def step(engine: str, tmp_path: Path) -> Iterator[Contained]:
    """The action in a container."""
    from tests.action.container import Contained

    step = Contained(tmp_path, engine=engine)
    yield step
    step.kill()


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    """A jump, and targets behind it, of which one refuses the listen and one never comes back with data."""
    if why_not := can_isolate():
        pytest.skip(why_not)
    with Lab() as lab:
        lab.host("bastion", "front", "back", login="ops")
        lab.host("web-1", login="deploy")
        lab.host("web-2", login="deploy", faults=["allow-tcp-forwarding-no-dropin"])
        slow = lab.host("slow", login="deploy")
        # No tool that is asked for data comes back, and none cuts it short.
        slow.files["/usr/local/bin/curl"] = File("#!/bin/sh\nexec sleep 60\n", 0o755)
        slow.files["/usr/local/bin/timeout"] = File('#!/bin/sh\nshift\nexec "$@"\n', 0o755)
        lab.start()
        yield lab


@pytest.fixture(scope="package")
def network(engine: str, lab: Lab) -> Iterator[str]:
    """What --network says for a container beside the lab's deployer: the network of a container that is plugged in."""
    run = containers.engine(engine)
    guest = run("run", "--detach", "--rm", "--network=none", containers.base(), "sleep", "infinity").stdout.strip()
    try:
        lab.plug(int(run("inspect", "--format", "{{.State.Pid}}", guest).stdout))
        yield f"container:{guest}"
    finally:
        run("kill", guest)
