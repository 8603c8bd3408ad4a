"""Files and their destinations, judged in one go."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from dev.environment import ROOT
from kamal_forward_check import dotenv
from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import Report, Severity, Vantage, Verdict
from kamal_forward_check.program import NAME
from kamal_forward_check.report import words
from kamal_forward_check.settings import TABLE, Settings
from kamal_forward_check.system import System
from kamal_forward_check.validate import validate

WHOLE = 'service: shop\nregistry: {server: "localhost:5555"}\nbuilder: {arch: amd64}\nservers: [192.0.2.10]\n'
HALF = WHOLE.replace("servers: [192.0.2.10]\n", "")
SERVERS = "servers: [192.0.2.11]\n"
WRONG = "ssh: {prot: 22}\n"

Judge = Callable[..., Report]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Judge files, by name and text, that lie in a folder."""

    def judged(files: dict[str, str], *words: str, destination: str | None = None) -> Report:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        system = System(environ={}, cwd=tmp_path, home=tmp_path)
        settings = Settings(config_file="deploy.yml", destination=destination, kamal_version="2.12.0")
        return validate(settings, system, Vantage.LOCAL, words)

    return judged


def said(report: Report) -> list[tuple[str, str]]:
    return [(str(finding.location), finding.message) for finding in report.findings]


def test_of_several_files_only_those_that_are_wrong_are_said_to_be_rejected(judge: Judge) -> None:
    report = judge({"right.yml": WHOLE, "wrong.yml": WHOLE + WRONG}, "right.yml", "wrong.yml")
    assert words.headline(report) == "Kamal would reject wrong.yml"


def test_a_base_that_wants_a_destination_is_no_error(judge: Judge) -> None:
    report = judge({"deploy.yml": HALF, "deploy.a.yml": SERVERS, "deploy.b.yml": SERVERS})
    assert report.verdict is Verdict.PASS
    assert report.destination == "a, b"
    [notice] = report.findings
    assert notice.severity is Severity.NOTICE
    assert notice.message.startswith("deploy.yml wants a destination: alone, `servers` is missing")


def test_where_every_destination_was_asked_for_the_base_alone_is_not_judged(judge: Judge) -> None:
    report = judge({"deploy.yml": HALF, "deploy.a.yml": SERVERS}, destination="all")
    assert (report.verdict, report.findings) == (Verdict.PASS, ())


def test_what_every_pair_has_is_said_once(judge: Judge) -> None:
    report = judge({"deploy.yml": HALF + WRONG, "deploy.a.yml": SERVERS, "deploy.b.yml": SERVERS}, destination="all")
    assert said(report) == [("deploy.yml:4:7", "Kamal knows no key `prot` below `ssh`: did you mean `port`?")]
    assert report.verdict is Verdict.FAIL


def test_what_one_pair_has_names_it(judge: Judge) -> None:
    report = judge({"deploy.yml": HALF, "deploy.a.yml": "{}\n", "deploy.b.yml": SERVERS}, destination="all")
    [(place, message)] = said(report)
    assert place == "deploy.yml:1:1"
    assert message == "with destination a: `servers` is missing, and there are no `accessories`"


def test_what_stands_in_a_destination_s_file_is_shown_there(judge: Judge) -> None:
    report = judge({"deploy.yml": WHOLE, "deploy.a.yml": WRONG, "deploy.b.yml": "{}\n"})
    assert said(report) == [("deploy.a.yml:1:7", "Kamal knows no key `prot` below `ssh`: did you mean `port`?")]


def test_one_destination_is_judged_alone(judge: Judge) -> None:
    files = {"deploy.yml": HALF, "deploy.a.yml": WRONG, "deploy.b.yml": SERVERS}
    assert judge(files, destination="b").findings == ()


def test_a_destination_called_all_is_that_one(judge: Judge) -> None:
    report = judge({"deploy.yml": HALF, "deploy.a.yml": WRONG, "deploy.all.yml": SERVERS}, destination="all")
    assert (report.destination, report.findings) == ("all", ())


def test_several_files_and_patterns(judge: Judge) -> None:
    files = {"a/deploy.yml": WHOLE + WRONG, "b/deploy.yml": HALF, "b/deploy.x.yml": SERVERS + WRONG}
    report = judge(files, "a/deploy.yml", "b/deploy.*.yml")
    assert [place for place, _ in said(report)] == ["a/deploy.yml:5:7", "b/deploy.x.yml:2:7"]
    assert (report.file, report.destination) == ("a/deploy.yml, b/deploy.yml", "x")


def test_a_file_named_twice_is_judged_once(judge: Judge) -> None:
    report = judge({"deploy.yml": HALF, "deploy.a.yml": SERVERS + WRONG}, "deploy.a.yml", "deploy.*.yml")
    assert len(report.findings) == 1


def test_a_pattern_that_fits_nothing_cannot_be_checked(judge: Judge) -> None:
    with pytest.raises(CannotCheck, match=r"no file fits x\*"):
        judge({"deploy.yml": WHOLE}, "x*")


def test_an_ignored_finding_is_counted_once_however_many_pairs_have_it(tmp_path: Path) -> None:
    for name, text in {"deploy.yml": HALF + WRONG, "deploy.a.yml": SERVERS, "deploy.b.yml": SERVERS}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    settings = Settings(config_file="deploy.yml", destination="all", kamal_version="2.12.0", ignore=("KF103",))
    report = validate(settings, System(environ={}, cwd=tmp_path, home=tmp_path), Vantage.LOCAL)
    assert (dict(report.ignored), report.findings) == ({"KF103": 1}, ())


class TestCommandLine:
    def run(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        code = "from kamal_forward_check.program import run; run()"
        program = [sys.executable, "-I", "-c", code]
        return subprocess.run([*program, *words], cwd=folder, capture_output=True, text=True, check=False)

    def test_one_report_for_all_files(self, tmp_path: Path) -> None:
        for name, text in {"deploy.yml": HALF, "deploy.a.yml": SERVERS + WRONG, "x.yml": WHOLE + WRONG}.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        ran = self.run(tmp_path, "validate", "deploy.yml", "x.yml", "--format", "json")
        assert ran.returncode == 1, ran.stderr
        assert [finding["code"] for finding in json.loads(ran.stdout)["findings"]] == ["KF103", "KF103", "KF105"]

    def test_no_ssh_library_is_loaded(self, tmp_path: Path) -> None:
        (tmp_path / "deploy.yml").write_text(WHOLE, encoding="utf-8")
        code = (
            "import sys; from kamal_forward_check.program import main\n"
            "main(['x', 'validate', 'deploy.yml'])\n"
            "print([name for name in ('paramiko', 'fabric', 'rich', 'erblite') if name in sys.modules])"
        )
        ran = subprocess.run(
            [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert ran.stdout.splitlines()[-1] == "[]"

    def test_variables_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "deploy.yml").write_text(WHOLE + 'ssh: {user: <%= ENV["WHO"] %>}\n', encoding="utf-8")
        (tmp_path / ".env").write_text("WHO=deploy\n", encoding="utf-8")
        words = ("validate", "deploy.yml", "--fail-on", "warning")
        missing = self.run(tmp_path, *words)
        assert missing.returncode == 1
        assert "the variable WHO is not set here" in missing.stdout
        assert self.run(tmp_path, *words, "--env-file", ".env").returncode == 0


def test_the_hook_for_pre_commit_takes_the_files_of_a_project() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    for file in ("config/deploy.yml", "config/deploy.staging.yml", "apps/shop/config/deploy.yaml"):
        assert re.search(hook["files"], file)
    for file in ("config/deploy.rb", "config/deploy/x.yml", "app/deploy.yml"):
        assert not re.search(hook["files"], file)
    program, task, flag, _ = hook["entry"].split()
    assert (program, task) == (NAME, "validate")
    assert flag.removeprefix("--") in {setting.flag for setting in TABLE if task in setting.tasks}


def test_variables_that_are_set_win_over_those_of_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB='of the file'\nC=$(date)\n", encoding="utf-8")
    system = dotenv.added(System(environ={"A": "set"}, cwd=tmp_path, home=tmp_path), ".env")
    assert system.environ == {"A": "set", "B": "of the file"}


def test_a_file_of_variables_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(CannotCheck, match="env-file: cannot read gone: no such file"):
        dotenv.added(System(environ={}, cwd=tmp_path, home=tmp_path), "gone")
