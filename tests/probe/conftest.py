"""What tests of the walk share."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """A failing test's report is not about paramiko's own log."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
