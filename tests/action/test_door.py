"""The report handed on by the command line's door."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from kamal_forward_check import door
from kamal_forward_check.errors import CannotCheck, Exit
from kamal_forward_check.model import Forwarding, Vantage, Verdict
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import System
from tests.action.runner import Step
from tests.report import samples

ON_GITHUB = {"GITHUB_ACTIONS": "true"}


def system(cwd: Path, environ: Mapping[str, str] | None = None) -> System:
    return System(environ=environ or {}, cwd=cwd, home=cwd)


def test_a_report_for_people_has_neighbouring_lines_on_their_machine_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for environ in ({}, ON_GITHUB):
        door.write(samples.targets_refused(), Settings(), system(tmp_path, environ))
        shown.append(capsys.readouterr().out)
    assert ["CIS 5.2.20" in text for text in shown] == [True, False]
    assert "\x1b" not in "".join(shown)


def test_json_stands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    door.write(samples.targets_refused(), Settings(format="json"), system(tmp_path, ON_GITHUB))
    assert json.loads(capsys.readouterr().out)["verdict"] == "fail"


def test_annotations_stand_alone_where_there_is_no_runner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    door.write(samples.targets_refused(), Settings(format="github"), system(tmp_path))
    step = Step().read(capsys.readouterr().out)
    assert (len(step.annotations), step.text) == (1, [""])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_a_file_takes_the_place_of_standard_output(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    door.write(samples.all_well(), Settings(format=form, output="out.txt"), system(tmp_path, ON_GITHUB))
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out.txt").read_text()


def test_a_file_that_cannot_be_written_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(CannotCheck, match="can't write") as refused:
        door.write(samples.all_well(), Settings(output="no/such/folder"), system(tmp_path))
    assert refused.value.hint == "name a file that can be written"


def test_of_a_runners_file_that_cannot_be_written_it_is_said_that_the_check_was_made(tmp_path: Path) -> None:
    environ = {**ON_GITHUB, "GITHUB_OUTPUT": str(tmp_path / "no" / "such" / "file")}
    with pytest.raises(CannotCheck, match="can't write") as refused:
        door.write(samples.all_well(), Settings(format="github"), system(tmp_path, environ))
    assert refused.value.hint == "the check itself was made"


@pytest.mark.parametrize(("columns", "longest"), [("20", 60), ("72", 72), ("4000", 200)])
def test_a_page_is_as_wide_as_the_terminal_within_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str, longest: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    door.write(samples.candidates(), Settings(), system(tmp_path))
    (title,) = [line for line in capsys.readouterr().out.splitlines() if "KF519" in line and "More" not in line]
    assert len(title) <= longest
    assert (len(title) == longest) == (longest > 80), "its place stands at the right where there is room"


def test_a_terminal_without_our_signs_still_gets_the_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    door.write(samples.all_well(), Settings(), system(tmp_path))
    assert b"\\u2713 forward works on 3 of 3 hosts" in raw.getvalue()


def test_a_script_that_changes_nothing_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    why = Forwarding(needed=False, port=None, reason="registry.server is\ntouch owned\r##[error]x")
    door.write_script(replace(samples.no_forward_needed(), forwarding=why), Settings(), system(tmp_path))
    assert capsys.readouterr().out == r"# Nothing to change: registry.server is\ntouch owned\r# #[error]x." + "\n"


def test_a_name_that_is_too_long_for_a_file_is_no_bug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = door.unchecked(Settings(config_file="x" * 300), Vantage.CONTAINER, "no such file")
    door.publish(report, Settings(), system(tmp_path, ON_GITHUB), Exit.CANNOT_CHECK)
    assert "file" not in Step().read(capsys.readouterr().out).annotations[0].properties


def test_what_a_log_says_is_no_command_in_json_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "##[error]\x85\u202e.log"
    (tmp_path / name).write_text("web-1 refused 5555: Errno::ECONNREFUSED\n")
    door.explain([name], Settings(format="json"), system(tmp_path))
    made = capsys.readouterr().out
    assert made.isascii()
    assert not Step().read(made).executed
    assert json.loads(made)[0]["log"] == name


def test_what_was_not_checked_is_never_green(tmp_path: Path) -> None:
    report = door.unchecked(Settings(), Vantage.LOCAL, "config/deploy.yml: no such file")
    assert report.verdict is Verdict.INCOMPLETE
    assert door.status(report, Settings(fail_on="never"), system(tmp_path)) is Exit.CANNOT_CHECK


def test_a_command_line_on_a_runner_says_so(tmp_path: Path) -> None:
    assert door.vantage(system(tmp_path)) is Vantage.LOCAL
    assert door.vantage(system(tmp_path, ON_GITHUB)) is Vantage.RUNNER
