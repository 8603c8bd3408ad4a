"""Our findings against Kamal's words, and the list of differences in docs/differences.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from dev.environment import ROOT
from tests.deploy import corpus, mutants, oracle, ours

PAGE = ROOT / "docs" / "differences.md"
_VERDICT = re.compile(r"\| `([^`]+)` \| ([^`|][^|]*) \|")
_PLACE = re.compile(r"\| `([^`]+)` \| `([^`]+)` \| ([^|]+) \|")


@dataclass(frozen=True, slots=True)
class Place:
    """Where Kamal names `kamal`, we name `ours`: patterns, `*` for anything."""

    kamal: str
    ours: str

    def __str__(self) -> str:
        return f"{self.kamal} > {self.ours}"

    def holds(self, place: str, paths: Iterable[str]) -> bool:
        """Whether this entry is about `place`, which is Kamal's, and our errors' paths."""
        return fnmatchcase(place, self.kamal) and any(fnmatchcase(path, self.ours) for path in paths)


def _rows(pattern: re.Pattern[str]) -> list[re.Match[str]]:
    return [row for line in PAGE.read_text(encoding="utf-8").splitlines() if (row := pattern.fullmatch(line))]


VERDICTS = tuple(row[1] for row in _rows(_VERDICT))
"""Patterns for names of cases and mutants."""
PLACES = tuple(Place(row[1], row[2]) for row in _rows(_PLACE))


def listed() -> set[str]:
    """All entries."""
    return {*VERDICTS, *map(str, PLACES)}


def found() -> tuple[list[str], set[str]]:
    """What differs from the record of Kamal's words and is not listed, and the entries that were needed."""
    cases, places = list(corpus.cases()), mutants.recorded()
    said = corpus.recorded()
    changed = {digest: mutant for digest, mutant in mutants.every().items() if digest in places}
    judged = [
        *(
            judge(case.name, errors, oracle.place(said[case.name][version].kamal))
            for version in oracle.VERSIONS
            for case, errors in zip(cases, ours.errors(cases, version), strict=True)
        ),
        *(
            judge(mutant.name, errors, places[digest])
            for (digest, mutant), errors in zip(
                changed.items(), ours.errors(list(changed.values()), oracle.NEWEST), strict=True
            )
        ),
    ]
    return [words for words, _ in judged if words], {entry for _, entry in judged if entry}


def judge(name: str, errors: Sequence[str], place: str) -> tuple[str, str]:
    """What we say otherwise than Kamal, which names `place`; and the entry that excuses it, in its place.

    `name` is that of the case, `errors` are the paths of ours, and `place` is as `oracle.place` writes it.
    """
    if bool(errors) == bool(place) and (not place or _is_at(place, errors)):
        return "", ""
    excuse = next((pattern for pattern in VERDICTS if fnmatchcase(name, pattern)), "")
    if not excuse and errors and place:
        excuse = next((str(entry) for entry in PLACES if entry.holds(place, errors)), "")
    return "" if excuse else f"{name}: Kamal names {place or 'nothing'}, here it is {errors or 'nothing'}", excuse


def _is_at(place: str, paths: Sequence[str]) -> bool:
    """Whether one of the paths is at Kamal's place. It prints a symbol without its colon."""
    if place.endswith("/"):
        return any(f"{path}/".startswith(place.removeprefix("/")) for path in paths)
    return place in paths or place in [re.sub("/:(?=[^/]+$)", "/", path) for path in paths]
