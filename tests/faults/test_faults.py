"""Every row of the table: the cause, the line, the fix, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from lab import Lab
from lab.faults import ALL
from lab.project import deploy_yml, write_project
from tests.cases import case as cases
from tests.cases.program import Outcome, Program
from tests.faults import confusion, proof
from tests.faults.proof import Proof, cause, reported
from tests.faults.row import WORKS, Row
from tests.faults.table import ROWS, TARGETS

pytestmark = pytest.mark.isolated

Proofs = Mapping[str, Future[Proof]]


@pytest.fixture(scope="session")
def proofs(request: pytest.FixtureRequest) -> Iterator[Proofs]:
    """The proof of every row that was chosen."""
    names = [item.name for item in request.session.items]
    all_of_them = "test_no_cause_is_taken_for_another" in names
    chosen = [row for row in ROWS if all_of_them or any(f"[{row.name}]" in name for name in names)]
    with ThreadPoolExecutor(proof.AT_ONCE) as pool:
        yield proof.run(chosen, pool)
        pool.shutdown(cancel_futures=True)


def _each(wanted: Callable[[Row], bool] = lambda _: True) -> pytest.MarkDecorator:
    """A test of each row that is `wanted`."""
    rows = []
    for row in filter(wanted, ROWS):
        marks = [pytest.mark.skip(reason=f"{row.missing} missing")] if row.missing else []
        rows.append(pytest.param(row, id=row.name, marks=marks))
    return pytest.mark.parametrize("row", rows)


@_each()
def test_the_fault_is_named(row: Row, proofs: Proofs) -> None:
    outcome = proofs[row.name].result().asked
    _holds(row, outcome)
    said = reported(outcome)
    assert said.code == row.code
    if row.line:
        assert (said.line, said.certainty) == (row.line, row.certainty)
    else:
        assert said.certainty in ("", "keyword")
    assert said.changes == (row.changes or int(bool(row.line and row.line.current and row.certainty == "exact")))
    assert cause(row, outcome) == row.code


@_each(lambda row: row.shell)
def test_the_fault_is_named_or_ranked_where_no_command_runs(row: Row, proofs: Proofs) -> None:
    outcome = proofs[row.name].result().mute
    assert outcome
    _holds(row, outcome)
    assert cause(row, outcome, mute=True) == row.expected(mute=True)


def _holds(row: Row, outcome: Outcome) -> None:
    """What is true of any answer: verdict, hop, and that the check left nothing."""
    assert outcome.report, outcome.stderr
    said = reported(outcome)
    assert said.verdict == ("pass" if row.code == WORKS else "fail"), outcome.text
    if row.code != WORKS:
        assert said.hop == f"{row.login}@{row.host}"
        assert said.affects == ("web-1",)
    assert outcome.changed == set()


@_each(lambda row: row.code != WORKS and not row.incurable)
def test_the_fix_makes_the_check_pass(row: Row, proofs: Proofs) -> None:
    proved = proofs[row.name].result()
    assert proved.mending
    assert proved.mending.returncode == 0, proved.mending
    assert proved.mended
    assert proved.mended.report["verdict"] == "pass", proved.mended.text
    assert not proved.mending.stderr


def test_fifty_hosts_each_with_its_own_fault_are_told_apart_in_one_check() -> None:
    rows = [row for row in TARGETS if row.line and row.certainty == "exact" and not (row.user or row.home)]
    rows = [row for row in rows if not row.missing]
    hosts = {f"web-{number}": row for number, row in enumerate(rows)}
    with Lab() as lab:
        lab.host("bastion", "front", "back", login="ops")
        for name, row in hosts.items():
            lab.host(name, login=row.login, faults=row.faults)
        lab.start()
        home = lab.home()
        text = deploy_yml(hosts, proxy="ops@bastion", user="deploy")
        with Program(lab, home, write_project(home.path / "shop", text)) as program:
            outcome = program.look("check")
    assert len(rows) >= 50
    said = {name: reported(outcome, name) for name in hosts}
    assert {name: (each.code, each.line) for name, each in said.items()} == {
        name: (row.code, row.line) for name, row in hosts.items()
    }
    assert outcome.changed == set()


def test_no_cause_is_taken_for_another(proofs: Proofs) -> None:
    proved = [future.result() for future in proofs.values()]
    for mute in (False, True):
        found = confusion.counts(proved, mute=mute)
        assert all(expected == said for expected, said in found), confusion.tables(proved)


def test_the_table_is_long_enough() -> None:
    faulty = {row.fault for row in ROWS if row.code != WORKS}
    assert len(faulty) >= 60
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_every_fault_has_a_row_or_a_case() -> None:
    of_cases = {fault for case in cases.ALL for named in case.faults.values() for fault in named}
    assert of_cases | {fault for row in ROWS for fault in row.faults} == set(ALL)
