"""The demo shows what it says: a target that refuses, found by the real check."""

from __future__ import annotations

import pytest

from lab import demo


@pytest.mark.isolated
def test_the_demo_finds_the_target_that_refuses(capfd: pytest.CaptureFixture[str]) -> None:
    assert demo.main() == 0
    shown = capfd.readouterr().out
    assert "KF510" in shown
    assert "web-1 refuses the listen on 127.0.0.1:5555" in shown
    assert "AllowTcpForwarding remote" in shown


@pytest.mark.isolated
def test_a_demo_that_finds_nothing_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "FAULT", "nologin")
    assert demo.main() == 1
