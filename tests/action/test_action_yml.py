"""action.yml and the image hold together with the settings and with what is written as outputs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kamal_forward_check.report.outputs import outputs
from kamal_forward_check.settings import TABLE, Settings, from_inputs
from tests.report.samples import all_well

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_every_input_is_a_setting_with_the_same_default() -> None:
    declared = {name: given["default"] for name, given in ACTION["inputs"].items()}
    assert declared == {setting.action_input: setting.default for setting in TABLE if setting.action_input}


def test_a_step_without_inputs_has_the_default_settings() -> None:
    given = {f"INPUT_{name.upper()}": declared["default"] for name, declared in ACTION["inputs"].items()}
    assert from_inputs(given) == Settings()


def test_every_output_is_declared() -> None:
    assert set(ACTION["outputs"]) == set(outputs(all_well(), ""))


def test_the_readme_says_of_each_what_action_yml_says() -> None:
    rows = [row for row in README.splitlines() if re.match(r"\| `[a-z-]+` \|", row)]
    inputs = [
        f"| `{name}` | {given['description']} | {given['default'] and '`' + given['default'] + '`'} |"
        for name, given in ACTION["inputs"].items()
    ]
    outputs = [f"| `{name}` | {given['description']} |" for name, given in ACTION["outputs"].items()]
    assert [" ".join(row.split()) for row in rows][: len(inputs) + len(outputs)] == [
        " ".join(row.split()) for row in (*inputs, *outputs)
    ]


@pytest.mark.parametrize("name", [*ACTION["inputs"], *ACTION["outputs"]])
def test_names_are_kebab_case_and_described(name: str) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
    assert (ACTION["inputs"] | ACTION["outputs"])[name]["description"]


def test_the_image_is_entered_by_an_absolute_isolated_interpreter() -> None:
    """A workflow's PATH, PYTHONPATH and files must not decide which code runs."""
    (words,) = re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)
    interpreter, isolated, script = json.loads(words)
    assert interpreter.startswith("/")
    assert isolated == "-I"
    assert script.startswith("/")


def test_the_dockerfile_is_plain() -> None:
    """Any builder reads it: no syntax line, no heredoc, no USER (the runner's mounts belong to others)."""
    assert not re.search(r"syntax=|<<|^USER|^SHELL", DOCKERFILE, re.MULTILINE)


def test_what_the_dockerfile_copies_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    }
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)
