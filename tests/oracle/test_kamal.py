"""The real Kamal on every case and every fault: where it gets its forwards, we say pass, and where not, fail."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from dev.environment import ORACLE
from lab import Lab
from tests.cases import case as cases
from tests.cases.case import Case
from tests.faults.table import ROWS

KAMAL = ORACLE / "bin" / "kamal"
Run = Future[subprocess.CompletedProcess[str]]
EVERY = [*cases.ALL, *(row.case() for row in ROWS if not row.missing)]
ASKED = [case for case in EVERY if case.kamal in ("pass", "fail", "no-shell")]
WORKING, WAITING = 3, 32
"""How many run at once: a Kamal that gets its forward keeps a processor busy, the others wait 30 seconds or more."""

pytestmark = [
    pytest.mark.isolated,
    pytest.mark.skipif(not KAMAL.exists(), reason="the real Kamal is a binary for Linux on x86-64"),
]


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Run]]:
    """Kamal's run of every case that was chosen here.

    What works goes first and nearly alone: on a busy machine Kamal's 30 seconds might not be enough for it. Of the
    others, hosts that never answer take longest.
    """
    names = {item.name for item in request.session.items}
    chosen = [case for case in ASKED if f"test_kamal_agrees[{case.name}]" in names]
    with ThreadPoolExecutor(WORKING) as pool:
        runs = {case.name: pool.submit(run, case) for case in chosen if case.kamal != "fail"}
    stopped = sorted((case for case in chosen if case.kamal == "fail"), key=lambda case: "black-hole" not in case.name)
    with ThreadPoolExecutor(WAITING) as pool:
        yield runs | {case.name: pool.submit(run, case) for case in stopped}
        pool.shutdown(cancel_futures=True)


def run(case: Case) -> subprocess.CompletedProcess[str]:
    """Start the case's lab, with a registry on the deployer, and let Kamal pull through its forwards."""
    with Lab() as lab:
        case.declare(lab)
        lab.start()
        lab.registry()
        home, project = case.make(lab)
        words = [word for word in case.arguments if word != "--identity" and "{" not in word]
        command = [str(KAMAL), "build", "pull", "--version", "x", *words]
        return lab.run(command, home, cwd=project, env={"TMPDIR": str(home.path)}, limit=150)


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.name)
def test_kamal_agrees(case: Case, runs: Mapping[str, Run]) -> None:
    done = runs[case.name].result()
    output = done.stdout + done.stderr
    if case.kamal == "no-shell":
        # The forward stood; what failed is Kamal's first command on the host.
        assert done.returncode != 0, output
        assert "port forwarding" not in output.replace("Setting up local registry port forwarding", ""), output
    else:
        # Where a forward's pipe breaks, Thor takes the error for a reader that left, and ends with 0.
        pulled = done.returncode == 0 and "Error setting up port forwarding" not in output
        assert pulled == (case.kamal == "pass"), output
    assert case.expect["verdict"] == ("fail" if case.kamal == "fail" else "pass")
