"""The confusion table: how often each cause was there, and what was reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from kamal_forward_check.rules.registry import RULES
from tests.faults import proof
from tests.faults.proof import Proof
from tests.faults.table import ROWS

_CELL = 4
Counts = Counter[tuple[str, str]]
"""By (expected cause, reported cause)."""


def counts(proofs: Iterable[Proof], *, mute: bool) -> Counts:
    """What was expected and what was reported, where the hosts have a shell for the login, or have none."""
    found: Counts = Counter()
    for each in proofs:
        outcome = each.mute if mute else each.asked
        if outcome:
            found[each.row.expected(mute=mute), proof.cause(each.row, outcome, mute=mute)] += 1
    return found


def table(title: str, found: Counts) -> str:
    """The counts as a table: a row for each expected cause, a column for each reported one."""
    expected = sorted({code for code, _ in found})
    reported = sorted({code for _, code in found} | set(expected))
    right = sum(number for (code, said), number in found.items() if code == said)
    lines = [f"{title}: {right} of {found.total()} right", _line("", (_short(code) for code in reported))]
    lines += [_line(f"{code} {_name(code)}", (str(found[code, said] or "·") for said in reported)) for code in expected]
    return "\n".join(lines)


def _line(head: str, cells: Iterable[str]) -> str:
    return f"{head:34}" + "".join(f" {cell:>{_CELL}}" for cell in cells)


def _short(code: str) -> str:
    return code.removeprefix("KF")[:_CELL]


def _name(code: str) -> str:
    return RULES[code].name if code in RULES else ""


def tables(proofs: Sequence[Proof]) -> str:
    """Both tables."""
    return "\n\n".join(
        table(title, counts(proofs, mute=mute))
        for title, mute in (("Where the host can be asked", False), ("Where it runs no command", True))
    )


def main() -> int:
    """Put every row to the proof and print the tables; 1 where a cause was taken for another."""
    missing = {row.name: row.missing for row in ROWS if row.missing}
    with ThreadPoolExecutor(proof.AT_ONCE) as pool:
        proofs = [future.result() for future in proof.run(ROWS, pool).values()]
    print(tables(proofs))  # noqa: T201 - this is for a person
    for name, programs in missing.items():
        print(f"not tried: {name}: {programs} missing")  # noqa: T201
    found = counts(proofs, mute=False) + counts(proofs, mute=True)
    return int(any(expected != said for expected, said in found))
