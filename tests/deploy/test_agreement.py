"""We agree with the real Kamal: on what is recorded of the corpus and its mutants, and, in a sample, as it says now."""

from __future__ import annotations

import random
import secrets
from pathlib import Path

from tests.deploy import differences, mutants
from tests.deploy.oracle import Kamal, place

MUTANTS = mutants.every()
RECORDED = mutants.recorded()


def test_every_mutant_is_recorded_and_nothing_else() -> None:
    assert MUTANTS.keys() == RECORDED.keys(), "run bin/invoke dev.oracle"
    assert len(MUTANTS) >= 1500
    assert len({mutant.name for mutant in MUTANTS.values()}) == len(MUTANTS)


def test_no_difference_but_those_listed_and_all_of_those() -> None:
    differing, used = differences.found()
    assert differing == []
    assert used == differences.listed()


def test_a_sample_of_mutants_is_judged_now_as_recorded(real_kamal: Kamal, tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"sample of seed {seed}")  # noqa: T201 - pytest shows it where the test fails
    sample = random.Random(seed).sample(sorted(MUTANTS), 150)  # noqa: S311 - which few are asked
    for digest in sample:
        MUTANTS[digest].write(tmp_path / digest)
    said = real_kamal.judge({digest: (tmp_path / digest, MUTANTS[digest].destination) for digest in sample})
    assert {digest: place(words) for digest, words in said.items()} == {digest: RECORDED[digest] for digest in sample}
