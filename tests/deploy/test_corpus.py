"""The corpus: our verdict is the real Kamal's, for every version recorded, and our words are the expected ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from kamal_forward_check.model import Span
from tests.deploy import corpus, differences
from tests.deploy.oracle import NEWEST, VERSIONS, Kamal, installed, place

CASES = {case.name: case for case in corpus.cases()}
RECORDED = corpus.recorded()


def test_every_case_is_recorded_and_nothing_else() -> None:
    assert list(RECORDED) == list(CASES), "run bin/invoke dev.oracle"
    assert all(said.keys() == VERSIONS.keys() for said in RECORDED.values())


@pytest.mark.parametrize("name", CASES)
def test_verdict_and_findings(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    case.write(tmp_path)
    found: set[Span] = set()
    for version, recorded in RECORDED[name].items():
        problems = case.load(tmp_path, version).problems
        assert corpus.lines(problems) == recorded.found
        found |= {corpus.as_marked(problem.at, case) for problem in problems}
        disagreement, _ = differences.judge(name, corpus.errors(problems), place(recorded.kamal))
        assert not disagreement, f"Kamal {version}: {recorded.kamal}"
    assert found == {corpus.as_marked(mark, case) for mark in case.marks}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kamal(version: str) -> Kamal:
    if kamal := installed(version):
        return kamal
    pytest.skip(f"Kamal {version} is not installed")


def test_the_real_kamal_still_says_so(kamal: Kamal, version: str, tmp_path: Path) -> None:
    """All by the recorder's shortcut."""
    for case in CASES.values():
        case.write(tmp_path / case.name)
    said = kamal.judge({case.name: (tmp_path / case.name, case.destination) for case in CASES.values()})
    assert said == {name: recorded[version].kamal for name, recorded in RECORDED.items()}


def test_the_shortcut_is_right(real_kamal: Kamal, tmp_path: Path) -> None:
    """A sample by `kamal config` itself."""
    # With accessories alone, `kamal config` trips over its own printing: a deploy does not.
    judged = sorted(CASES.keys() - {"top_level/accessories-alone"})
    for name in random.Random(20).sample(judged, 8):  # noqa: S311 - the same few cases at every run
        CASES[name].write(tmp_path / name)
        ran = real_kamal.config(tmp_path / name, "deploy.yml", CASES[name].destination)
        assert (ran.returncode == 0) == (not RECORDED[name][NEWEST].kamal), (name, ran.stdout, ran.stderr)
