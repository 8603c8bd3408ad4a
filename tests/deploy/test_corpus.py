"""The corpus: our verdict is the real Kamal's, for every version recorded, and our words are the expected ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.deploy import corpus
from tests.deploy.oracle import Kamal

CASES = {case.name: case for case in corpus.cases()}
RECORDED = corpus.recorded()
DIFFERENCES: dict[str, str] = {}
"""Cases where our verdict is not Kamal's, each with the reason."""


def test_every_case_is_recorded_and_nothing_else() -> None:
    assert RECORDED.keys() == CASES.keys(), "run python -m tests.deploy.record"
    assert all(said["kamal"].keys() == {"2.10.1", "2.11.0"} for said in RECORDED.values())


@pytest.mark.parametrize("name", CASES)
def test_verdict_and_findings(name: str, tmp_path: Path) -> None:
    CASES[name].write(tmp_path)
    for version, words in RECORDED[name]["kamal"].items():
        config = CASES[name].load(tmp_path, version)
        found = [corpus.line(problem) for problem in config.problems]
        assert found == RECORDED[name]["found"][version]
        if name not in DIFFERENCES:
            assert corpus.accepts(config) == (words == ""), f"Kamal {version} says {words or 'nothing against it'}"


def test_the_real_kamal_still_says_so(real_kamal: Kamal, tmp_path: Path) -> None:
    """A sample by `kamal config` itself, which the recorder's shortcut must agree with."""
    # With accessories alone, `kamal config` trips over its own printing: a deploy does not.
    judged = sorted(CASES.keys() - {"top_level/accessories-alone"})
    for name in random.Random(20).sample(judged, 8):  # noqa: S311 - the same few cases at every run
        CASES[name].write(tmp_path / name)
        ran = real_kamal.config(tmp_path / name, "deploy.yml", CASES[name].destination)
        assert (ran.returncode == 0) == (RECORDED[name]["kamal"]["2.11.0"] == ""), (name, ran.stdout, ran.stderr)


def test_the_real_kamal_in_one_go(real_kamal: Kamal, tmp_path: Path) -> None:
    for case in CASES.values():
        case.write(tmp_path / case.name)
    said = real_kamal.judge(
        {case.name: (tmp_path / case.name, "deploy.yml", case.destination) for case in CASES.values()}
    )
    assert said == {name: recorded["kamal"]["2.11.0"] for name, recorded in RECORDED.items()}
