"""The command line's own answers: help that names what there is, and wrong use told in words that say what to do."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import tasks
from kamal_forward_check.command_line import Alone, CommandLine
from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.light_invoke import Exit
from kamal_forward_check.program import NAME
from kamal_forward_check.settings import TABLE, Settings

TASKS = sorted(tasks.namespace().task_names)


def start(*words: str) -> None:
    program = CommandLine(name=NAME, binary=NAME, version="1", namespace=tasks.namespace(), config_class=Alone)
    program.start([NAME, *words])


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(Exit) as ended:
        start(*words)
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_help(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"Usage: {NAME} {task}" in shown(capsys, task, "--help")


@pytest.mark.parametrize(("task", "word"), [("validate", "FILE"), ("explain", "WORD")])
def test_bare_words_are_no_option_in_help(task: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, task, "--help")
    assert f"{NAME} {task} [{word} ...] [--option ...]\n" in text
    assert "--words" not in text


def test_help_says_which_options_want_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    options = shown(capsys, "check", "--help").split()
    assert {"--identity=STRING", "--timeout=STRING", "--compare-direct"} <= set(options)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["chek"], "there is no task chek", "the tasks are check, demo,"),
        (["--help", "chek"], "there is no task chek", "the tasks are check, demo,"),
        (["--nope"], f"{NAME} has no option --nope", f"see {NAME} --help"),
        (["check", "--nope"], "check has no option --nope", f"see {NAME} check --help"),
        (["validate", "a.yml", "--nope"], "validate has no option --nope", f"see {NAME} validate --help"),
        (["route", "--format", "json"], "route has no option --format", f"see {NAME} route --help"),
        (["check", "deploy.yml"], "check takes options alone, not deploy.yml", f"see {NAME} check --help"),
        (["check", "--config-file"], "--config-file wants a value", f"see {NAME} check --help"),
    ],
)
def test_wrong_use_is_told_in_plain_words(words: list[str], message: str, hint: str) -> None:
    with pytest.raises(CannotCheck) as caught:
        start(*words)
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)


def test_every_setting_is_in_the_table() -> None:
    assert {setting.field for setting in TABLE} == {field.name for field in fields(Settings)}


def test_an_answer_goes_to_the_file_that_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    assert shown(capsys, "explain", "KF510", "--output", str(page)) == ""
    assert page.read_text(encoding="utf-8").startswith("# KF510 ")


@pytest.mark.parametrize("option", ["--identity", "--known-hosts"])
def test_a_file_that_was_named_for_the_check_must_be_there(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CannotCheck, match=f"{option}: cannot read gone: no such file"):
        start("check", option, "gone")
    with pytest.raises(CannotCheck, match=f"{option}: cannot read .: it is a folder"):
        start("check", option, ".")
