"""A row put to the proof: its host in a lab, the check, the fix that it prints run there, and the check again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any

from lab import Lab
from lab.host import NOLOGIN, USERS
from tests.cases.program import Outcome, Program
from tests.faults.row import CANDIDATE, OPEN, WORKS, Line, Row

AT_ONCE = 8
WAITING = ("port-held-by-forward",)
"""Faults that keep the check waiting: their rows start first."""

_FAMILY = len("KF5")


@dataclass(frozen=True)
class Reported:
    """What the check said of a host, in a row's words."""

    verdict: str
    code: str
    hop: str
    affects: tuple[str, ...]
    line: Line | None
    certainty: str
    changes: int
    candidates: tuple[str, ...]
    """Their keywords and reasons, in small letters, the likeliest first."""

    def names(self, cause: str) -> bool:
        """Whether a candidate names the cause."""
        return any(cause.lower() in candidate for candidate in self.candidates)


@dataclass(frozen=True)
class Proof:
    """What was said of a row's host, with a shell there or without, and once it was mended."""

    row: Row
    asked: Outcome
    mute: Outcome | None = None
    mending: CompletedProcess[str] | None = None
    mended: Outcome | None = None


def prove(row: Row) -> Proof:
    """Start the row's lab and check, with a shell on the host and without; mend the host and check again."""
    case, mute, mending, mended = row.case(), None, None, None
    with Lab() as lab:
        case.declare(lab)
        lab.start()
        with Program(lab, *case.make(lab)) as program:
            asked = program.look("check")
            if row.shell:
                with _without_a_shell(lab, row):
                    mute = program.look("check")
            if row.code != WORKS and not row.incurable:
                mending = _mend(lab, row, program)
                mended = program.look("check")
    return Proof(row, asked, mute, mending, mended)


@contextmanager
def _without_a_shell(lab: Lab, row: Row) -> Iterator[None]:
    """The login's shell is nologin for a while: it runs no command. Written in its place: the file is a mount."""
    accounts = lab.root(row.host) / "etc/passwd"
    before = accounts.read_text(encoding="utf-8")
    home, shell = USERS[row.login][1], lab.hosts[row.host].shell
    accounts.write_text(before.replace(f"{home}:{shell}\n", f"{home}:{NOLOGIN}\n"), encoding="utf-8")
    yield
    accounts.write_text(before, encoding="utf-8")


def _mend(lab: Lab, row: Row, program: Program) -> CompletedProcess[str]:
    """Do on the host what the finding says: by the script that `fix` prints, else by hand."""
    if row.by_hand:
        return lab.on(row.host, ["sh", "-ec", row.by_hand])
    script = printed(lab, row, program)
    return lab.on(row.host, ["sh", "/root/fix.sh"]) if script else CompletedProcess([], 1, "", "no script")


def printed(lab: Lab, row: Row, program: Program) -> str:
    """The script that `fix` prints for the row's host, which is then on the host as well: /root/fix.sh."""
    fix = program.run("fix", "--hop", row.host)
    (lab.root(row.host) / "root" / "fix.sh").write_text(fix.stdout, encoding="utf-8")
    return fix.stdout


def reported(outcome: Outcome, about: str = "web-1") -> Reported:
    """The outcome in a row's words: that of the errors which stop `about`, else of its warnings, else of a pass."""
    report = outcome.report
    findings = [finding for finding in report["findings"] if about in finding["affects"]]
    errors = [finding for finding in findings if finding["severity"] == "error"]
    loud = errors or [finding for finding in report["findings"] if finding["severity"] == "warning"]
    first: dict[str, Any] = loud[0] if loud else {}
    hop, line = first.get("hop") or {}, first.get("server_line") or {}
    place = Line(line["file"], line["line"], line["current"], line["change_to"]) if line else None
    return Reported(
        verdict=report["verdict"],
        code=",".join(finding["code"] for finding in loud) or (WORKS if report["verdict"] == "pass" else ""),
        hop=f"{hop.get('user')}@{hop.get('host')}",
        affects=tuple(first.get("affects") or ()),
        line=place,
        certainty=line.get("certainty", ""),
        changes=len((first.get("fix") or {}).get("changes") or ()),
        candidates=tuple(f"{each['keyword']}: {each['why']}".lower() for each in first.get("candidates") or ()),
    )


def cause(row: Row, outcome: Outcome, *, mute: bool = False) -> str:
    """The code of the cause that was reported: where a finding leaves it open, the expected one if it ranks that.

    With a `!` where another hop is blamed, with a `?` where the cause is left open and not ranked.
    """
    said, expected = reported(outcome), row.expected(mute=mute)
    if row.code != WORKS and (said.hop, said.affects) != (f"{row.login}@{row.host}", ("web-1",)):
        return f"{said.code}!"
    if said.code not in OPEN:
        return said.code
    about = row.candidate or CANDIDATE.get(expected, expected)
    settled = row.says and row.says in outcome.text
    of_the_family = said.code[:_FAMILY] == expected[:_FAMILY]
    return expected if of_the_family and (settled or said.names(about)) else f"{said.code}?"


def run(rows: Iterable[Row], pool: ThreadPoolExecutor) -> Mapping[str, Future[Proof]]:
    """Put rows to the proof, several at once: some only wait."""
    chosen = sorted((row for row in rows if not row.missing), key=lambda row: row.fault not in WAITING)
    return {row.name: pool.submit(prove, row) for row in chosen}
