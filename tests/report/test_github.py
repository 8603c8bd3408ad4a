from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kamal_forward_check.model import Finding, Report, Severity, Skipped, Span
from kamal_forward_check.report import github, text
from kamal_forward_check.report.clean import one_line
from tests.action.runner import LONGEST_MESSAGE, MOST_OF_A_KIND, Command, Step
from tests.report import samples
from tests.report.strategies import ALWAYS_THE_SAME, REPORTS, TEXTS

TOKEN = "0123456789abcdef"  # noqa: S105 - any word will do


def annotated(report: Report) -> list[Command]:
    return Step().read(github.render(report)).annotations


def findings(number: int, severity: Severity = Severity.ERROR) -> Report:
    made = (Finding(f"KF{100 + n}", "n", severity, f"fault {n}", location=Span("d.yml", n + 1)) for n in range(number))
    return replace(samples.all_well(), findings=tuple(made))


def test_an_annotation_stands_at_the_line_that_put_the_hop_there() -> None:
    (annotation,) = annotated(samples.targets_refused())
    assert annotation.name == "error"
    assert annotation.properties == {
        "title": "KF510 10.0.1.11 refuses the listen on 127.0.0.1:5555",
        "file": "config/deploy.yml",
        "line": "9",
        "col": "7",
        "endcolumn": "16",
    }


def test_it_names_the_hop_the_file_the_line_and_the_change() -> None:
    (annotation,) = annotated(samples.targets_refused())
    assert (
        "/etc/ssh/sshd_config.d/50-hardening.conf:3 on 10.0.1.11 and 10.0.1.12"
        ' says "AllowTcpForwarding no"; change it to "AllowTcpForwarding remote".'
    ) in annotation.data.splitlines()
    assert "also 10.0.1.12" in annotation.data
    assert "CIS 5.2.20" not in annotation.data


def test_a_line_that_nobody_saw_is_not_quoted() -> None:
    warning, _notice = annotated(samples.warning())
    assert 'sshd_config on 10.0.1.11 should say "GatewayPorts no".' in warning.data
    assert "says" not in warning.data


def test_paths_are_the_repositorys_own() -> None:
    made = github.render(samples.invalid_file(), lambda file: None if file.startswith("~") else f"shop/{file}")
    inside, _, outside = Step().read(made).annotations
    assert inside.properties["file"] == "shop/config/deploy.yml"
    assert (outside.properties["file"], outside.properties["line"]) == ("shop/config/deploy.yml", "1")
    assert "At ~/.ssh/config:7:3." in outside.data


def test_a_range_of_lines_has_no_columns_and_line_0_is_not_written() -> None:
    finding = samples.invalid_file().findings[0]
    spans = {Span("d.yml", 3, 5, 8, 2): {"line": "3", "endline": "8"}, Span("d.yml", 0): {"line": "1"}}
    for span, expected in spans.items():
        (annotation,) = annotated(replace(samples.all_well(), findings=(replace(finding, location=span),)))
        assert {
            name: value for name, value in annotation.properties.items() if name not in ("title", "file")
        } == expected


def test_ten_of_a_kind_are_all_shown() -> None:
    assert [each.properties["title"] for each in annotated(findings(10))][-1] == "KF109 fault 9"


def test_the_tenth_says_how_many_were_held_back() -> None:
    shown = annotated(findings(13))
    assert len(shown) == MOST_OF_A_KIND
    assert shown[-1].properties["title"] == "4 more held back: see the job summary"
    assert shown[-1].data.splitlines() == [f"KF{100 + n} fault {n}" for n in (9, 10, 11, 12)]


def test_one_kind_takes_no_room_from_another() -> None:
    made = findings(12)
    warnings = findings(12, Severity.WARNING).findings
    shown = annotated(replace(made, findings=made.findings + warnings))
    assert [each.name for each in shown] == ["error"] * 10 + ["warning"] * 10


def test_a_message_is_cut_where_the_runner_would_cut_it() -> None:
    finding = replace(samples.invalid_file().findings[0], why="y" * 2000, message="m" * 2000, fix=None)
    (annotation,) = annotated(replace(samples.all_well(), findings=(replace(finding, affects=("h",)),)))
    assert len(annotation.data) <= LONGEST_MESSAGE


def test_what_had_to_be_skipped_is_said_and_the_rest_is_not() -> None:
    report = samples.incomplete()
    (annotation,) = annotated(report)
    assert annotation.properties["title"] == "Not looked at: the forward on localhost"
    assert annotation.properties["line"] == "12", "where deploy.yml asks for the forward"
    (warning,) = Step().read(github.render(report, skipped_as=Severity.WARNING)).annotations
    assert (annotation.name, warning.name) == ("error", "warning")
    unneeded = replace(report, skipped=(Skipped("a", "b", needed=False),))
    assert not annotated(unneeded)


def test_what_keeps_fifty_hosts_from_being_looked_at_is_one_annotation() -> None:
    skipped = tuple(Skipped(f"the forward on 10.0.1.{number}", "bastion: out of time") for number in range(50))
    (annotation,) = annotated(replace(samples.incomplete(), skipped=skipped))
    assert annotation.data == "bastion: out of time"
    assert annotation.properties["title"].endswith("the forward on 10.0.1.2 and 47 more")


@given(REPORTS)
@example(samples.hostile())
@ALWAYS_THE_SAME
def test_foreign_text_commands_nothing(report: Report) -> None:
    made = github.render(report)
    step = Step().read(made)
    assert [command.name for command in step.executed] == [line[2:].split()[0] for line in made.splitlines()]
    assert step.executed == step.annotations
    assert step.text == [""]
    assert all(
        set(each.properties) <= {"title", "file", "line", "endline", "col", "endcolumn"} for each in step.executed
    )


@given(TEXTS, st.sampled_from(("title", "file")))
@example("a:b,c=d%0A%25%", "title")
@ALWAYS_THE_SAME
def test_a_runner_reads_what_was_meant(value: str, name: str) -> None:
    finding = replace(samples.invalid_file().findings[0], message="m", location=Span(f"x{value}x", 1))
    (annotation,) = annotated(replace(samples.all_well(), findings=(replace(finding, name=name),)))
    assert annotation.properties["file"] == one_line(f"x{value}x")
    assert annotation.properties["title"] == "KF103 m"


@given(REPORTS)
@example(samples.hostile())
@ALWAYS_THE_SAME
def test_a_log_is_a_group_with_nothing_but_text_in_it(report: Report) -> None:
    step = Step().read(github.log(text.render(report, color=True), "title", TOKEN) + github.error("after", "all"))
    assert [command.name for command in step.executed] == ["group", "stop-commands", TOKEN, "endgroup", "error"]


@given(TEXTS, TEXTS)
@ALWAYS_THE_SAME
def test_a_log_needs_no_clean_text(raw: str, title: str) -> None:
    step = Step().read(github.log(raw, title, TOKEN))
    assert [command.name for command in step.executed] == ["group", "stop-commands", TOKEN, "endgroup"]


def test_a_title_that_a_log_is_folded_under_moves_no_cursor() -> None:
    step = Step().read(github.log("x", "\x1b[2J\u202e\n##[error]", TOKEN))
    assert step.executed[0].data == r"\u001b[2J\u202e\n# #[error]"


@pytest.mark.parametrize(
    ("text", "kept"), [("x" * 4096, 4096), ("x" * 4097, 4095), ("😀" * 2048, 2048), ("😀" * 2049, 2047)]
)
def test_a_message_is_cut_where_a_runner_would_cut_it(text: str, kept: int) -> None:
    """It counts as .NET does, in which a character beyond U+FFFF is two; and after what was escaped is so no more."""
    assert github.cut(text) == text[:kept] + "…" * (kept < len(text))
    escaped = str(github.Annotation(Severity.ERROR, "t", "%" * 5000))
    assert Step().read(escaped).annotations[0].data == "%" * 4095 + "…"


def test_each_line_of_a_key_is_masked() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nb3BlbnNzaC1rZXk\r\nb25lLWhhbGY%3D\nAA==\n\n-----END PRIVATE KEY-----\n"
    masks = Step().read(github.masks(key)).named("add-mask")
    assert [mask.data for mask in masks] == ["b3BlbnNzaC1rZXk", "b25lLWhhbGY%3D"]
