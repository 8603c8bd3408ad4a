"""A deploying machine of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.route.made import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with an empty home folder and no agent."""
    return Machine(tmp_path)
