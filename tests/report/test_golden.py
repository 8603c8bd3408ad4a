"""What each format makes of each sample: the expected files stand in expected/, `--accept` writes them anew."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest

from kamal_forward_check.model import Report
from kamal_forward_check.report import github, json, sarif, summary, text
from tests.report.samples import SAMPLES

EXPECTED = Path(__file__).parent / "expected"
FORMATS: dict[str, Callable[[Report], str]] = {
    "txt": text.render,
    "md": summary.render,
    "github": github.render,
    "json": json.render,
    "sarif": lambda report: sarif.render(report, {}),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_reads_as_expected(name: str, suffix: str, *, accept: bool) -> None:
    path, made = EXPECTED / f"{name}.{suffix}", FORMATS[suffix](SAMPLES[name]())
    if accept:
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")
    expected = path.read_text(encoding="utf-8")
    difference = difflib.unified_diff(expected.splitlines(), made.splitlines(), "expected", "made", lineterm="")
    assert made == expected, "\n".join(difference)


def test_no_expected_file_is_left_over() -> None:
    known = {f"{name}.{suffix}" for name in SAMPLES for suffix in FORMATS}
    assert {path.name for path in EXPECTED.iterdir()} == known
