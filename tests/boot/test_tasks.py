"""Both ways into the checkout's tasks show the same ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAIN = (str(Path(sys.executable).with_name("invoke")),)
OURS = (sys.executable, "-I", str(ROOT / "tasks.py"))
TASKS = [
    "check",
    "demo",
    "explain",
    "fix",
    "route",
    "test",
    "validate",
    "dev.action",
    "dev.bench",
    "dev.ci",
    "dev.docs",
    "dev.faults",
    "dev.image",
    "dev.lint",
    "dev.lock",
    "dev.oracle",
    "dev.pictures",
    "dev.release",
    "dev.servers",
]


@pytest.mark.parametrize("door", [PLAIN, OURS], ids=["invoke", "bin/invoke"])
def test_a_door_lists_every_task(door: tuple[str, ...]) -> None:
    listed = subprocess.run([*door, "--list"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  (\S+)   ", listed, re.MULTILINE) == TASKS
