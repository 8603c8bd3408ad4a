"""What the real Kamals say to the corpus and its mutants, and what we find, written down: `bin/invoke dev.oracle`.

Read the difference after.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.deploy import corpus, differences, mutants
from tests.deploy.corpus import Case, Outcome
from tests.deploy.oracle import NEWEST, VERSIONS, Kamal, installed, place


def main(*, anew: bool) -> int:
    """Write the records, and say where Kamal and we disagree: 1 where that is no listed difference.

    A mutant that is recorded is not judged again, unless `anew`. 2 where no Kamal can run here.
    """
    kamals = {version: kamal for version in VERSIONS if (kamal := installed(version))}
    if kamals.keys() != VERSIONS.keys():
        print("the real Kamal is not here: its binary is for Linux on x86-64", file=sys.stderr)
        return 2
    cases = list(corpus.cases())
    changed = list(mutants.of(cases))
    corpus.write(_outcomes(cases, kamals))
    known = {} if anew else mutants.recorded()
    mutants.write(_places(changed, known, kamals[NEWEST]))
    differing, _ = differences.found()
    for words in differing:
        print(words)
    print(
        f"{len(cases)} configurations judged by Kamal {' and '.join(VERSIONS)}, {len(changed)} mutants by {NEWEST}: "
        f"{len(differing)} verdicts or places differ, but for those in docs/differences.md"
    )
    return int(bool(differing))


def _outcomes(cases: Sequence[Case], kamals: Mapping[str, Kamal]) -> dict[str, dict[str, Outcome]]:
    outcomes: dict[str, dict[str, Outcome]] = {case.name: {} for case in cases}
    with tempfile.TemporaryDirectory() as name:
        folders = _written(cases, Path(name))
        for version, kamal in kamals.items():
            said = kamal.judge(folders)
            for case in cases:
                problems = case.load(folders[case.name][0], version).problems
                outcomes[case.name][version] = Outcome(said[case.name], corpus.lines(problems))
    return outcomes


def _places(changed: Sequence[Case], known: Mapping[str, str], kamal: Kamal) -> dict[str, str]:
    """By digest, for each mutant: as known, or as Kamal says now."""
    digests = {mutant.name: mutants.digest(mutant) for mutant in changed}
    asked = [mutant for mutant in changed if digests[mutant.name] not in known]
    with tempfile.TemporaryDirectory() as name:
        said = kamal.judge(_written(asked, Path(name)))
    return {digest: place(said[mutant]) if mutant in said else known[digest] for mutant, digest in digests.items()}


def _written(cases: Sequence[Case], folder: Path) -> dict[str, tuple[Path, str | None]]:
    """By name: where the files of each are, and its destination."""
    places = {case.name: (folder / str(number), case.destination) for number, case in enumerate(cases)}
    for case in cases:
        case.write(places[case.name][0])
    return places
