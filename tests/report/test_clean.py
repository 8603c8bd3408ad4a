from __future__ import annotations

import pytest

from kamal_forward_check.report.clean import cleaned, no_command, one_line
from kamal_forward_check.report.outputs import outputs
from tests.report import samples


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n\tb", r"a\r\n\tb"),
        ("\x1b[2J\x9b\x85\u202e\u200b\u2028\ufeff\ud800", r"\u001b[2J\u009b\u0085\u202e\u200b\u2028\ufeff\ud800"),
        ("a\ufe0f\u034f\u3164\U000e0100", r"a\ufe0f\u034f\u3164\U000e0100"),
        ("é中😀 \u00a0", "é中😀 \u00a0"),
        ("##[error]", "# #[error]"),
    ],
)
def test_what_moves_a_cursor_or_shows_nothing_is_shown_by_its_number(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_what_is_too_long_is_counted() -> None:
    assert one_line("abcdef", 4) == "abcd… (2 characters more)"


def test_every_text_of_a_report_is_cleaned() -> None:
    assert cleaned(samples.hostile()) != samples.hostile()
    assert cleaned(cleaned(samples.hostile())) == cleaned(samples.hostile())
    assert cleaned(samples.targets_refused()) == samples.targets_refused()


@pytest.mark.parametrize("line", ["::1 refuses", "a ::error::b", " ::1"])
def test_a_line_that_is_no_command_stays_as_it_is(line: str) -> None:
    assert no_command(line) == line


@pytest.mark.parametrize("blank", ["", " ", "\u3000\u2000", "\x85"])
def test_a_line_that_is_a_command_is_one_no_more(blank: str) -> None:
    assert no_command(f"{blank}::error::b") == f"{blank}: :error::b"


def test_no_output_is_a_command_to_who_prints_it() -> None:
    report = samples.targets_refused()
    assert outputs(report, "r")["failing-hop"] == "10.0.1.11"
    assert outputs(samples.hostile(), "r")["failing-hops"].isascii()
    assert "##[" not in outputs(samples.hostile(), "r")["failing-hops"]
