"""Files judged without a connection: each with its destinations, and one report for all of them."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kamal_forward_check import deploy
from kamal_forward_check.check import check
from kamal_forward_check.deploy import overlay
from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import Finding, Report, Severity, Skipped, Vantage, Verdict
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import System

ALL = "all"
"""The word for every destination that a file has, where none is called so."""

_WORST = (Verdict.FAIL, Verdict.INCOMPLETE, Verdict.PASS)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A file and the destination that it is judged with. `for_information`: nobody said that it stands alone."""

    file: str
    destination: str | None
    for_information: bool = False


def validate(settings: Settings, system: System, vantage: Vantage, files: Sequence[str] = ()) -> Report:
    """Judge `files`, or the one of the settings, each with the destination asked for, or else with every one it has.

    Names may be patterns, and those of destinations' files. A file that has destinations may well be incomplete
    without one: what only that would make of it is a notice.

    Raises:
        CannotCheck: a file is not there, or a pattern fits none.
    """
    start = system.clock()
    named = [file for word in files or (settings.config_file,) for file in _matching(system, word)]
    pairs = list(dict.fromkeys(pair for file in named for pair in _pairs(system, file, settings.destination)))
    asked = replace(settings, mode="validate")
    reports = [
        (pair, check(replace(asked, config_file=pair.file, destination=pair.destination), system, vantage))
        for pair in pairs
    ]
    return replace(_joined(reports), total_ms=(system.clock() - start) * 1000)


def _matching(system: System, word: str) -> list[str]:
    if not glob.has_magic(word) or system.path(word).exists():
        return [word]
    found = sorted(glob.glob(word, root_dir=system.cwd, recursive=True))  # noqa: PTH207 - it may be absolute
    if not found:
        raise CannotCheck(f"no file fits {word}", deploy.NAME_A_FILE)
    return found


def _pairs(system: System, file: str, destination: str | None) -> Iterator[_Pair]:
    if of := overlay.base_of(system, file):
        yield _Pair(*of)
        return
    there = overlay.destinations(system, file)
    if destination and (destination != ALL or ALL in there):
        yield _Pair(file, destination)
        return
    yield from (_Pair(file, each) for each in there)
    if not (there and destination):
        yield _Pair(file, None, for_information=bool(there))


def _joined(reports: Sequence[tuple[_Pair, Report]]) -> Report:
    """One report: each finding once, with the destinations that have it unless all of its file's have."""
    counted = [(pair, report) for pair, report in reports if not pair.for_information]
    first = counted[0][1]
    destinations = dict.fromkeys(pair.destination for pair, _ in counted if pair.destination)
    return replace(
        first,
        file=", ".join(dict.fromkeys(pair.file for pair, _ in counted)),
        destination=", ".join(destinations) or None,
        verdict=min((report.verdict for _, report in counted), key=_WORST.index),
        findings=tuple(_findings(reports)),
        ignored={
            code: max(report.ignored.get(code, 0) for _, report in counted)
            for code in dict.fromkeys(code for _, report in counted for code in report.ignored)
        },
        skipped=_once(report.skipped for _, report in counted),
        secrets=tuple(dict.fromkeys(secret for _, report in reports for secret in report.secrets)),
    )


def _once(skipped: Iterable[tuple[Skipped, ...]]) -> tuple[Skipped, ...]:
    return tuple(dict.fromkeys(item for each in skipped for item in each))


def _findings(reports: Sequence[tuple[_Pair, Report]]) -> Iterator[Finding]:
    having: dict[Finding, list[_Pair]] = {}
    for pair, report in reports:
        for finding in report.findings:
            having.setdefault(finding, []).append(pair)
    pairs = [pair for pair, _ in reports]
    found = [_told(finding, those, pairs) for finding, those in having.items() if not _alone(those)]
    for pair in filter(lambda pair: pair.for_information, pairs):
        stops = [finding for finding, those in having.items() if those == [pair] and finding.severity is Severity.ERROR]
        if stops:
            more = f" (and {len(stops) - 1} more)" if stops[1:] else ""
            message = f"{pair.file} wants a destination: alone, {stops[0].message}{more}"
            found.append(replace(stops[0], severity=Severity.NOTICE, message=message))
    order = {severity: number for number, severity in enumerate(Severity)}
    yield from sorted(found, key=lambda finding: (order[finding.severity], finding.code))


def _alone(pairs: Sequence[_Pair]) -> bool:
    return all(pair.for_information for pair in pairs)


def _told(finding: Finding, pairs: Sequence[_Pair], among: Sequence[_Pair]) -> Finding:
    """The finding, saying which destinations have it where that is not plain."""
    others = [pair for pair in among if pair.file == pairs[0].file and not pair.for_information and pair not in pairs]
    if not others or (finding.location and finding.location.file != pairs[0].file):
        return finding
    named = ", ".join(pair.destination for pair in pairs if pair.destination)
    return replace(finding, message=f"with destination {named}: {finding.message}")
