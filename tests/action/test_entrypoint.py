"""The entrypoint run as the image runs it, with a runner's environment."""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path

import pytest

from tests.action.conftest import Action, Ended
from tests.action.keys import KEY

GOOD = """\
service: shop
image: shop
servers: [10.0.1.11]
registry: {server: registry.example.com, username: u, password: [P]}
builder: {arch: amd64}
"""
SAMPLE = "from tests.report import samples"
ROOT = Path(__file__).parents[2]


def says(body: str) -> str:
    """Code that puts a check in place whose body is `body`."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from kamal_forward_check import check as real
from kamal_forward_check.errors import CannotCheck
{SAMPLE}
def check(settings, system, vantage):
{lines}
real.check = check
"""


def errors(ended: Ended) -> list[str]:
    return [command.data for command in ended.step.named("error")]


def test_a_refused_forward_is_published_everywhere(action: Action) -> None:
    action.write("config/deploy.yml", GOOD)
    ended = action.run(says("return samples.targets_refused()"), sarif_file="out/report.sarif")
    assert (ended.status, ended.stderr) == (1, "")
    (annotation,) = ended.step.annotations
    assert (annotation.properties["file"], annotation.properties["line"]) == ("config/deploy.yml", "9")
    assert ended.summary.startswith("## ❌ forward stopped on 2 of 4 hosts")
    assert ended.outputs == {
        "verdict": "fail",
        "failing-hop": "10.0.1.11",
        "failing-hops": '["10.0.1.11", "10.0.1.12"]',
        "findings": "1",
        "report": "kamal-forward-check.json",
    }
    assert action.report()["verdict"] == "fail"
    (result,) = action.report("out/report.sarif")["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "config/deploy.yml"
    assert any("forward stopped on 2 of 4 hosts" in line for line in ended.step.text)


def test_neighbouring_lines_of_a_servers_file_are_published_nowhere(action: Action) -> None:
    ended = action.run(says("return samples.targets_refused()"))
    report = (action.workspace / "kamal-forward-check.json").read_text()
    assert "CIS 5.2.20" not in ended.printed + ended.summary + report


def test_hostile_text_commands_nothing(action: Action) -> None:
    ended = action.run(says("return samples.hostile()"))
    names = [command.name for command in ended.step.executed]
    token = names[2]
    assert names == ["group", "stop-commands", token, "endgroup", "error", "error"]
    assert ended.outputs["verdict"] == "fail"
    assert json.loads(ended.outputs["failing-hops"])[0].startswith("evilx\r\n::error::")


FIVE_MB = """
from dataclasses import replace
report = samples.targets_refused()
long = replace(report.findings[0], evidence=("x" * 1900,) * 60)
return replace(report, findings=tuple(replace(long, message=f"number {number}") for number in range(50)))"""


def test_a_summary_of_5_mb_is_cut_with_a_note_and_the_report_is_whole(action: Action) -> None:
    ended = action.run(says(FIVE_MB))
    assert (ended.status, ended.stderr) == (1, "")
    assert 800_000 < len(ended.summary.encode()) <= 900_000
    assert ended.summary.endswith("left out, to stay within GitHub's limit: see the JSON report.\n")
    assert [finding["message"] for finding in action.report()["findings"]] == [f"number {n}" for n in range(50)]


def test_a_good_file_passes_for_real(action: Action) -> None:
    action.write("config/deploy.yml", GOOD)
    ended = action.run(mode="validate")
    assert (ended.status, ended.stderr, ended.outputs["verdict"]) == (0, "", "pass")
    assert not ended.step.annotations
    assert action.report()["vantage"] == "container"


def test_an_unknown_key_is_annotated_at_its_line_for_real(action: Action) -> None:
    action.write("shop/config/deploy.yml", GOOD + "sevrice: x\n")
    ended = action.run(mode="validate", working_directory="shop", report_file="out/report.json")
    assert ended.status == 1
    (annotation,) = ended.step.named("error")
    assert (annotation.properties["file"], annotation.properties["line"]) == ("shop/config/deploy.yml", "6")
    assert ended.outputs["report"] == "out/report.json"
    assert action.report("out/report.json")["findings"][0]["location"]["line"] == 6


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"config_file": "none.yml"}, "none.yml"),
        ({"timeout": "soon"}, "input timeout: 'soon' is not a number of seconds"),
        ({"working_directory": "nowhere"}, "working-directory: there is no folder nowhere"),
    ],
)
def test_what_cannot_be_checked_is_said_in_every_report(action: Action, inputs: dict[str, str], words: str) -> None:
    ended = action.run(**inputs)
    assert (ended.status, ended.stderr) == (2, "")
    assert [words in error for error in errors(ended)] == [True]
    assert ended.outputs["verdict"] == action.report()["verdict"] == "incomplete"
    assert words in action.report()["skipped"][0]["why"]


def test_where_nothing_was_checked_out_the_step_that_is_missing_is_named(action: Action) -> None:
    (action.workspace / ".git").rmdir()
    (error,) = errors(action.run())
    assert error == "the workspace is empty; check the repository out before this step, with actions/checkout"


def test_a_bug_is_one_line_that_asks_for_a_report(action: Action) -> None:
    ended = action.run(says("raise KeyError('x')"))
    assert (ended.status, ended.stderr) == (3, "")
    assert [error.startswith("a bug of ours: KeyError: 'x'; please report it") for error in errors(ended)] == [True]
    assert ended.outputs["verdict"] == "incomplete"
    assert "Traceback" not in ended.printed


def test_a_bug_is_shown_whole_where_the_runner_debugs(action: Action) -> None:
    action.environ["RUNNER_DEBUG"] = "1"
    ended = action.run(says("raise KeyError('##[error]\\r::error::x')"))
    assert any("Traceback" in line for line in ended.step.text)
    assert len(errors(ended)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_closes_what_is_open_and_ends_with_130(action: Action, number: int) -> None:
    body = "import time\ntry:\n    print('waiting', flush=True); time.sleep(60)\nfinally:\n    print('closed')"
    process = action.start({}, says(body))
    assert process.stdout
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    ended = action.end(process)
    assert (ended.status, ended.stderr) == (130, "")
    assert "closed\n" in ended.printed


def test_what_holds_the_clean_up_back_is_left_behind(action: Action) -> None:
    at_once = "import signal, time\nalarm = signal.alarm\nsignal.alarm = lambda seconds: alarm(seconds // 5)\n"
    body = "import time\ntry:\n    print('waiting', flush=True); time.sleep(60)\nfinally:\n    time.sleep(3600)"
    process = action.start({}, at_once + says(body))
    assert process.stdout
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    ended = action.end(process)
    assert (ended.status, ended.stderr, ended.printed) == (130, "", "")


@pytest.mark.parametrize(
    ("fail_on", "sample", "status"),
    [
        ("error", "targets_refused", 1),
        ("never", "targets_refused", 0),
        ("error", "warning", 0),
        ("warning", "warning", 1),
        ("never", "incomplete", 2),
    ],
)
def test_fail_on_decides_the_status(action: Action, fail_on: str, sample: str, status: int) -> None:
    assert action.run(says(f"return samples.{sample}()"), fail_on=fail_on).status == status


def test_a_child_is_given_no_secret(action: Action) -> None:
    action.environ |= {"ACTIONS_RUNTIME_TOKEN": "hush", "GITHUB_TOKEN": "hush", "APP_TOKEN": "hush", "KEPT": "kept"}
    body = "print(system.run(['env'], 10).stdout)\nreturn samples.all_well()"
    ended = action.run(says(body), ssh_private_key=KEY, config_file="c.yml")
    assert "KEPT=kept" in ended.printed
    assert "hush" not in ended.printed
    assert "INPUT_" not in ended.printed


def test_a_template_cannot_show_a_secret_of_the_runner(action: Action) -> None:
    action.environ |= {"ACTIONS_RUNTIME_TOKEN": "hush"}
    body = "print(sorted(system.environ))\nreturn samples.all_well()"
    ended = action.run(says(body), ssh_private_key=KEY)
    assert "GITHUB_WORKSPACE" in ended.printed
    assert "ACTIONS_RUNTIME_TOKEN" not in ended.printed
    assert "INPUT_" not in ended.printed


def test_a_key_is_masked_before_anything_is_said(action: Action) -> None:
    ended = action.run(says("print('checking')\nreturn samples.all_well()"), ssh_private_key=KEY)
    assert ended.step.executed[0].name == "add-mask"
    assert ended.printed.index("add-mask") < ended.printed.index("checking")
    assert not [line for line in KEY.splitlines() if line in ended.step.text]


@pytest.mark.parametrize(("named", "left"), [("report_file", ""), ("sarif_file", "kamal-forward-check.json")])
def test_a_report_does_not_follow_a_link_out_of_the_workspace(action: Action, named: str, left: str) -> None:
    outside = action.folder / "outside.json"
    outside.write_text("untouched")
    (action.workspace / "link.json").symlink_to(outside)
    ended = action.run(says("return samples.all_well()"), **{named: "link.json"})
    assert ended.status == 2
    assert outside.read_text() == "untouched"
    assert "leads out of the workspace" in errors(ended)[0]
    assert (ended.outputs["verdict"], ended.outputs["report"]) == ("pass", left)
    assert ended.summary


@pytest.mark.parametrize("to", ["/dev/stdout", "/dev/zero", "/dev/ptmx"])
@pytest.mark.parametrize("file", [".kamal/secrets", "Gemfile.lock"])
def test_a_link_of_the_repository_to_what_never_ends_holds_nothing_up(action: Action, file: str, to: str) -> None:
    action.write("config/deploy.yml", f"{GOOD}ssh: {{key_data: [KEY]}}\n")
    link = action.workspace / file
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(to)
    ended = action.run(mode="validate")
    assert (ended.status, ended.outputs["verdict"]) == (0, "pass")


def test_what_earlier_steps_wrote_is_kept(action: Action) -> None:
    (action.folder / "output").write_text("earlier=1\n")
    (action.folder / "summary").write_text("# Earlier\n")
    ended = action.run(says("return samples.all_well()"))
    assert (ended.outputs["earlier"], ended.outputs["verdict"]) == ("1", "pass")
    assert ended.summary.startswith("# Earlier\n")


def test_nothing_of_the_workspace_is_imported(action: Action) -> None:
    for name in ("yaml.py", "kamal_forward_check.py", "tasks.py", "sitecustomize.py"):
        action.write(name, "raise SystemExit('imported')\n")
    action.write("config/deploy.yml", GOOD)
    action.environ |= {"PYTHONPATH": str(action.workspace), "PYTHONSTARTUP": "yaml.py"}
    assert action.run(mode="validate").status == 0


def test_a_locale_without_utf_8_breaks_nothing(action: Action) -> None:
    action.environ |= {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ended = action.run(says("return samples.targets_refused()"))
    assert (ended.status, ended.stderr) == (1, "")


def test_the_report_can_be_read_by_later_steps(action: Action) -> None:
    """They run as another user than a container's root."""
    action.run(says("return samples.all_well()"))
    mode = (action.workspace / "kamal-forward-check.json").stat().st_mode
    assert mode & stat.S_IROTH
