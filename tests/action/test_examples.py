"""The examples hold together with the action, and with each other."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kamal_forward_check.settings import TABLE
from tests.action.test_action_yml import ACTION

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))
OURS = "kamal-forward-check/kamal-forward-check@"


def workflow(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def steps(made: Any) -> Iterator[Any]:
    for job in made["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_asks_for_what_the_action_takes(path: Path) -> None:
    given = [step for step in steps(workflow(path)) if step.get("uses", "").startswith(OURS)]
    commands = [step["run"] for step in steps(workflow(path)) if step.get("run", "").startswith("kamal-forward-check ")]
    assert given or commands
    for step in given:
        assert set(step["with"]) <= set(ACTION["inputs"])
    for command in commands:
        assert command.endswith(" --format github")
        assert set(re.findall(r"--(\S+)", command)) <= {setting.flag for setting in TABLE if "check" in setting.tasks}
    ids = {step["id"]: step for step in given if "id" in step}
    asked = re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", path.read_text())
    assert {step for step, _ in asked} <= set(ids)
    assert {output for _, output in asked} <= set(ACTION["outputs"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_waits_for_a_deploy_and_neither_has_the_other_cancelled(path: Path) -> None:
    made = workflow(path)
    groups = [made["concurrency"]] if "concurrency" in made else [job["concurrency"] for job in made["jobs"].values()]
    assert [set(group) for group in groups] == [{"group", "queue"}]
    assert "deploy-" in groups[0]["group"]
    assert groups[0]["queue"] == "max"


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, ""),
        ({"KAMAL_DESTINATION": "", "KAMAL_HOSTS": ""}, ""),
        ({"KAMAL_DESTINATION": "two words"}, " --destination two words"),
        ({"KAMAL_DESTINATION": "staging", "KAMAL_HOSTS": "a,b"}, " --destination staging --hosts a,b"),
    ],
)
def test_the_hook_checks_what_is_deployed(tmp_path: Path, given: dict[str, str], asked: str) -> None:
    program = tmp_path / "kamal-forward-check"
    program.write_text('#!/bin/sh\necho "$#:" "$@"\nexit 7\n')
    program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **given}
    hook = ROOT / "examples/pre-build"
    ran = subprocess.run(hook, env=environ, capture_output=True, text=True, timeout=60, check=False)
    words = 1 + 2 * asked.count("--")
    assert (ran.returncode, ran.stdout) == (7, f"{words}: check{asked}\n")
