"""The demo shows what it says: a target that refuses, found by the real check."""

from __future__ import annotations

import re
import textwrap

import pytest

from dev.environment import ROOT
from lab import demo


def comparable(report: str) -> str:
    """A report without what differs from machine to machine: times, sshd's version, how sshd is reloaded."""
    report = re.sub(r" +\d+(\.\d+)? m?s\b", " TIME", report)
    report = re.sub(r"OpenSSH \d[^)]*", "OpenSSH VERSION", report)
    return re.sub(r"&& sudo .*", "&& sudo RELOAD", report)


@pytest.mark.isolated
def test_the_demo_prints_the_report_of_the_readme(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert demo.main() == 0
    shown = capfd.readouterr().out.partition("$ kamal-forward-check check\n")[2].partition("Everything is gone")[0]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = readme.partition("## How to read a report\n")[2].partition("First the verdict")[0]
    assert "KF510  web-1 refuses the listen on 127.0.0.1:5555" in shown
    assert comparable(shown).strip() == comparable(textwrap.dedent(printed)).strip()


@pytest.mark.isolated
def test_a_demo_that_finds_nothing_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "FAULT", "nologin")
    assert demo.main() == 1
