"""The lines of a server's file that are to change, as the rows of a diff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kamal_forward_check.model import Change, Finding


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a file: `sign` is `-` (as it stands), `+` (as it should be), or a space (a neighbour)."""

    sign: str
    number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """One file's rows, in the file's order, and the hosts that have this file."""

    file: str
    hosts: tuple[str, ...]
    rows: tuple[Row, ...]


def blocks(finding: Finding, *, neighbours: bool) -> Iterator[Block]:
    """What is to change, file by file. `neighbours` adds the lines around the deciding one."""
    near = finding.server_line
    files: dict[str, dict[tuple[int | None, str, str], list[str]]] = {}
    for change in _changes(finding):
        same = files.setdefault(change.file, {}).setdefault((change.line, change.current, change.change_to), [])
        same.append(change.host)
    for file, edits in files.items():
        rows = [row for line, current, change_to in edits for row in _rows(line, current, change_to)]
        if neighbours and near and near.file == file:
            changed = {line for line, _, _ in edits}
            rows += [Row(" ", number, text) for number, text in near.excerpt if number not in changed]
        rows.sort(key=lambda row: row.number or 0)
        yield Block(file, tuple(dict.fromkeys(host for hosts in edits.values() for host in hosts)), tuple(rows))


def _changes(finding: Finding) -> tuple[Change, ...]:
    """The fix's changes; the deciding line alone where the fix has none."""
    if finding.fix and finding.fix.changes:
        return finding.fix.changes
    line = finding.server_line
    return (Change(line.host, line.file, line.line, line.current, line.change_to),) if line else ()


def _rows(line: int | None, current: str, change_to: str) -> Iterator[Row]:
    if current:
        yield Row("-", line, current)
    yield Row("+", line, change_to)
