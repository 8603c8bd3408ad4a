"""The summary's flowchart as GitHub's readers get it: drawn by Mermaid, in a browser."""

from __future__ import annotations

import pytest

from dev import charts, machine


def test_mermaid_draws_every_route_as_it_is_meant() -> None:
    """Every node with its whole text, every edge, and nothing else, whatever the hosts are called."""
    if absent := [package for package in machine.BROWSER if not machine.PRESENT[package]()]:
        pytest.skip(f"{' and '.join(absent)} not installed")
    assert charts.count() > 300
    assert charts.wrong() == []
