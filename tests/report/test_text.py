from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import example, given

from kamal_forward_check.model import Report, Severity
from kamal_forward_check.report import text
from tests.action.runner import Step
from tests.report import samples
from tests.report.samples import SAMPLES
from tests.report.strategies import ALWAYS_THE_SAME, REPORTS

OUR_COLOURS = re.compile(r"\x1b\[[0-9;]+m")
UNWRAPPED = re.compile(r"^ +(sudo |kamal-forward-check fix |More: |[-+ ] +\d* │)|: sudo ")


def test_when_all_is_well_three_lines_say_so() -> None:
    route, proof, verdict = text.render(samples.all_well()).splitlines()
    assert "this machine ─▶ ops@bastion.example.com ─▶ deploy@10.0.1.11 and 2 more" in route
    assert "Data went from each of 3 hosts" in proof
    assert "forward up for 210 ms" in proof
    assert verdict == "✓ forward works on 3 of 3 hosts · 1.1 s"


def test_the_verdict_is_the_first_and_the_last_thing_said() -> None:
    lines = text.render(samples.targets_refused()).splitlines()
    assert lines[0] == "✗ forward stopped on 2 of 4 hosts"
    assert lines[-1] == "✗ forward stopped on 2 of 4 hosts · 1 thing to change · 1.1 s"


def test_the_change_stands_above_the_drawing() -> None:
    shown = text.render(samples.targets_refused())
    assert shown.index("+ 3 │ AllowTcpForwarding remote") < shown.index("this machine ─▶")


def test_neighbouring_lines_are_left_out_of_a_log_that_others_read() -> None:
    report = samples.targets_refused()
    assert "CIS 5.2.20" in text.render(report)
    assert "CIS 5.2.20" not in text.render(report, neighbours=False)


def test_a_warning_never_looks_like_an_error() -> None:
    shown = text.render(samples.warning(), color=True)
    assert "✗" not in shown
    assert "\x1b[1;31m! KF701" not in shown
    finding = replace(samples.warning().findings[0], severity=Severity.ERROR)
    assert "✗ \x1b" not in shown
    assert "\x1b[1;31m✗ KF701" in text.render(replace(samples.warning(), findings=(finding,)), color=True)


def test_many_targets_that_fared_alike_are_drawn_once() -> None:
    shown = text.render(samples.jump_refused())
    assert shown.count("deploy@") == 1
    assert "likewise 10.0.2.2, 10.0.2.3 and 47 more" in shown


@pytest.mark.parametrize("width", [60, 79, 100, 200])
@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "hostile"])
def test_lines_fit_the_terminal(name: str, width: int) -> None:
    lines = text.render(SAMPLES[name](), width=width).splitlines()
    assert [line for line in lines if len(line) > width and not UNWRAPPED.search(line)] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_colour_changes_no_word(name: str) -> None:
    report = SAMPLES[name]()
    assert OUR_COLOURS.sub("", text.render(report, color=True)) == text.render(report)


@given(REPORTS)
@example(samples.hostile())
@ALWAYS_THE_SAME
def test_foreign_text_moves_no_cursor_and_commands_no_runner(report: Report) -> None:
    shown = text.render(report)
    categories = {unicodedata.category(char) for char in shown if char != "\n"}
    assert not categories & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not Step().read(shown).executed
    assert not Step().read(text.render(report, color=True, width=60)).executed
