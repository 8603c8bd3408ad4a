"""The real Kamal on every case and every fault: where it gets its forwards, we say pass, and where not, fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.cases import case as cases
from tests.cases.case import Case
from tests.faults.table import ROWS
from tests.oracle import kamal
from tests.oracle.kamal import KAMAL, Run, same

EVERY = [*cases.ALL, *(row.case() for row in ROWS if not row.missing)]
ASKED = [case for case in EVERY if case.kamal in ("pass", "fail", "no-shell")]
AT_ONCE = 32
"""Most of them only wait, which takes 30 seconds."""
WAITING = {"black-hole", "login-hangs"}
"""Faults that keep Kamal waiting for longer."""

pytestmark = [
    pytest.mark.isolated,
    pytest.mark.skipif(not KAMAL.exists(), reason="the real Kamal is a binary for Linux on x86-64"),
]

Runs = Mapping[str, Future[Mapping[str, Run]]]


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """The runs of every case that was chosen, by `same`. Those that wait longest start first."""
    names = {item.name for item in request.session.items}
    chosen = [case for case in ASKED if f"test_kamal_agrees[{case.name}]" in names]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [(group, pool.submit(kamal.run, group)) for group in sorted(kamal.groups(chosen), key=_hurry)]
        yield {same(case): future for group, future in running for case in group}
        pool.shutdown(cancel_futures=True)


def _hurry(group: list[Case]) -> int:
    first = group[0]
    waits = any(WAITING.intersection(named) for named in first.faults.values())
    return 0 if waits else 1 if first.kamal == "fail" else 2


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.name)
def test_kamal_agrees(case: Case, runs: Runs) -> None:
    run = runs[same(case)].result()[same(case)]
    if case.kamal == "no-shell":
        # The forward stood; what failed is Kamal's first command on the host.
        assert run.status != 0, run.output
        assert "port forwarding" not in run.output.replace("Setting up local registry port forwarding", ""), run.output
    else:
        assert run.forwarded == (case.kamal == "pass"), run.output
    assert case.expect["verdict"] == ("fail" if case.kamal == "fail" else "pass")
