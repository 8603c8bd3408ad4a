"""Our workflows, and those of the examples: what they may do, whose code they run, and for how long."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
OURS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ALL = [*OURS, *sorted((ROOT / "examples").glob("*.yml"))]
USES = re.compile(r"uses: (?P<action>[\w./-]+)(?:@(?P<ref>\S+))?(?P<comment>.*)")
BY_COMMIT = re.compile(r"[0-9a-f]{40}")
OWN_TAG = "kamal-forward-check/kamal-forward-check"


def made(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs(path: Path) -> dict[str, Any]:
    """The jobs that run on a machine of their own; a call of another workflow has its limits there."""
    return {name: job for name, job in made(path)["jobs"].items() if "uses" not in job}


each = pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)


@each
def test_nothing_is_permitted_but_by_a_job(path: Path) -> None:
    assert made(path)["permissions"] == {}
    assert all("permissions" in job for job in made(path)["jobs"].values())


@each
def test_every_job_has_a_time_limit(path: Path) -> None:
    assert {name: type(job.get("timeout-minutes")) for name, job in jobs(path).items()} == dict.fromkeys(
        jobs(path), int
    )


@each
def test_what_is_checked_out_keeps_no_token(path: Path) -> None:
    checkouts = [
        step for job in jobs(path).values() for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    ]  # fmt: skip
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_action_is_one_commit_named_with_its_version_everywhere() -> None:
    pins = defaultdict(set)
    for path in ALL:
        for uses in USES.finditer(path.read_text(encoding="utf-8")):
            if uses["action"].startswith("./"):
                continue
            if uses["action"] == OWN_TAG:
                assert uses["ref"] == "v1"
                continue
            assert BY_COMMIT.fullmatch(uses["ref"]), uses[0]
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", uses["comment"]), uses[0]
            pins[uses["action"]].add((uses["ref"], uses["comment"]))
    assert {action: len(found) for action, found in pins.items()} == dict.fromkeys(pins, 1)
    assert "actions/checkout" in pins
