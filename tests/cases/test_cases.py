"""Every case: the check has to find what is wrong, name it, and leave the hosts as they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from kamal_forward_check.rules.registry import RULES
from tests.cases import case as cases
from tests.cases.case import Case
from tests.cases.program import Outcome

pytestmark = pytest.mark.isolated

AT_ONCE = 8
WAITING = {"black-hole", "port-held-by-forward", "slow-login", "login-hangs"}
"""Faults that keep the check waiting: their cases start first."""


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[Outcome]]]:
    """The outcome of every case that was chosen. Several run at once: some only wait."""
    chosen = [case for case in cases.ALL if any(f"[{case.name}]" in item.name for item in request.session.items)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {
            case.name: pool.submit(cases.check, case) for case in sorted(chosen, key=lambda case: not _waits(case))
        }
        yield running
        pool.shutdown(cancel_futures=True)


def _waits(case: Case) -> bool:
    return any(WAITING.intersection(named) for named in case.faults.values())


@pytest.mark.parametrize("case", cases.ALL, ids=lambda case: case.name)
def test_case(case: Case, outcomes: Mapping[str, Future[Outcome]], accept: bool) -> None:  # noqa: FBT001
    outcome = outcomes[case.name].result()
    assert outcome.report, outcome.stderr
    assert seen(outcome, case.expect) == case.expect
    assert left(case, outcome) == set()
    expected = case.folder / "expected.txt"
    if accept:
        expected.write_text(outcome.text, encoding="utf-8")
    assert outcome.text == expected.read_text(encoding="utf-8")


def left(case: Case, outcome: Outcome) -> set[tuple[str, str, str]]:
    """What the check left on the hosts. An unfinished login leaves processes: sshd waits on for what it asked."""
    unfinished = any("login-hangs" in named for named in case.faults.values())
    return {found for found in outcome.changed if not (unfinished and found[1] == "process")}


def seen(outcome: Outcome, expect: Mapping[str, Any]) -> dict[str, Any]:
    """The outcome in a case's words, as far as the case has expectations."""
    findings = outcome.report["findings"]
    loud = [finding for finding in findings if finding["severity"] != "notice"]
    first: dict[str, Any] = loud[0] if loud else {}
    hop, line = first.get("hop") or {}, first.get("server_line") or {}
    all_of_it = {
        "verdict": outcome.report["verdict"],
        "exit": outcome.status,
        "codes": [finding["code"] for finding in loud],
        "notices": [finding["code"] for finding in findings if finding["severity"] == "notice"],
        "hop": f"{hop.get('user')}@{hop.get('host')}",
        "affects": first.get("affects"),
        "line": {key: line.get(key) for key in expect.get("line") or ()} or None,
        "changes": len((first.get("fix") or {}).get("changes") or ()),
        "location": (first.get("location") or {}).get("line"),
        "skipped": [skipped["what"] for skipped in outcome.report["skipped"]],
    }
    return {key: all_of_it[key] for key in expect}


def test_every_rule_has_a_case() -> None:
    fired = {code for case in cases.ALL for code in (*case.expect["codes"], *case.expect.get("notices", ()))}
    assert fired == set(RULES)
