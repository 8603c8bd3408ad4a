"""The real Kamal, run on a case alone, or on many at once in which only the target is wrong.

It hears within a second that a forward is refused, and gives up after 30: a run has a place among the busy ones until
all that is left is that wait.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore
from typing import IO, cast

from dev.environment import ORACLE
from lab import Home, Lab
from lab.project import deploy_yml, write_project
from tests.cases.case import USUAL, Case

KAMAL = ORACLE / "bin" / "kamal"

_BUSY = Semaphore(3)
"""Places for runs that keep a processor busy: with many more, 30 seconds might not be enough for a forward."""
_LIMIT, _KILLED = "150", 128 + signal.SIGKILL
_STARTS, _ERROR = "Setting up local registry port forwarding to", "Error setting up port forwarding"

_TARGET, _WORKS = "web-1", "works"
_NO_LINE_IN_TIME = {"black-hole", "login-hangs", "no-data", "shell-kills"}
"""Faults of a target of which Kamal has no line, or a late one, when it gives up."""
_HOSTS = 12
"""How many wrong hosts one Kamal is given: it dials all of them at once."""
_STOOD = "run/stood"
_SEES_THE_FORWARD = f"until grep -q ' 0100007F:{5555:04X} ' /proc/net/tcp; do sleep 0.1; done; echo > /{_STOOD}"


@dataclass(frozen=True)
class Run:
    """How Kamal ended, what it said, and whether the case's host got its forward, and pulled where it was alone."""

    status: int
    output: str
    forwarded: bool


def same(case: Case) -> str:
    """A text that is the same for cases that are the same to Kamal."""
    return repr((case.hosts, case.user, case.jump_user, case.faults, case.home, _words(case), _files(case)))


def _words(case: Case) -> list[str]:
    return [word for word in case.arguments if word != "--identity" and "{" not in word]


def _files(case: Case) -> list[str]:
    return [str(path) for own in ("project", "home") if (path := case.folder / own).is_dir()]


def groups(cases: Iterable[Case]) -> list[list[Case]]:
    """The cases, without those that are the `same` as another, as they may go into one run each."""
    different = list({same(case): case for case in cases}.values())
    shared = [case for case in different if _can_share(case)]
    users = sorted({case.user for case in shared})
    by_user = [[case for case in shared if case.user == user] for user in users]
    return [
        *(alike[first : first + _HOSTS] for alike in by_user for first in range(0, len(alike), _HOSTS)),
        *([case] for case in different if case not in shared),
    ]


def _can_share(case: Case) -> bool:
    """Whether nothing but the target is wrong, and Kamal says so of it."""
    usual = case.hosts == USUAL and not (case.home or _words(case) or _files(case))
    wrong = case.faults.keys() == {_TARGET} and not _NO_LINE_IN_TIME.intersection(case.faults[_TARGET])
    return case.kamal == "fail" and usual and wrong


def run(group: Sequence[Case]) -> Mapping[str, Run]:
    """Kamal's runs, by `same`, of a group of `groups`. Raises TimeoutError."""
    shared = _together(group) if len(group) > 1 else {}
    return {same(case): shared.get(same(case)) or _alone(case) for case in group}


def _alone(case: Case) -> Run:
    """Start the case's lab, and let Kamal pull through its forwards."""
    with Lab() as lab:
        case.declare(lab)
        lab.start()
        home, project = case.make(lab)
        refused = case.kamal == "fail"
        status, output = _pull(lab, home, project, _words(case), waits=lambda said: refused and _STARTS in said)
    # Where a forward's pipe breaks, Thor takes the error for a reader that left, and ends with 0.
    return Run(status, output, status == 0 and _ERROR not in output)


def _together(cases: Sequence[Case]) -> Mapping[str, Run]:
    """Give one Kamal the target of every case, each a host of its own, and one that works.

    The run of each host that Kamal named as one in error, if the forward of the one that works stood: else the errors
    would prove nothing. It may leave a host out: its threads now and then write over each other's lines.
    """
    hosts = {f"web-{number}": case for number, case in enumerate(cases)}
    user, jump_user = cases[0].user, cases[0].jump_user

    def wrong(said: str) -> set[str]:
        return {name for name in hosts if f"{_ERROR} to {name}: " in said}

    with Lab() as lab:
        lab.host("bastion", "front", "back", login=jump_user).main.append(f"MaxStartups {10 * _HOSTS}")
        lab.host(_WORKS, login=user).after.append(f"({_SEES_THE_FORWARD}) &")
        for name, case in hosts.items():
            lab.host(name, login=user, faults=case.faults[_TARGET])
        lab.start()
        home = lab.home()
        text = deploy_yml([_WORKS, *hosts], proxy=f"{jump_user}@bastion", user=user)
        project = write_project(home.path / "shop", text)
        status, output = _pull(lab, home, project, waits=lambda said: wrong(said) >= hosts.keys())
        stood = (lab.root(_WORKS) / _STOOD).exists() and f"{_ERROR} to {_WORKS}: " not in output
    named = wrong(output) if stood else set()
    failed = Run(status, output, forwarded=False)
    return {same(case): failed for name, case in hosts.items() if name in named}


def _pull(
    lab: Lab, home: Home, project: Path, words: Sequence[str] = (), *, waits: Callable[[str], bool] = lambda _: False
) -> tuple[int, str]:
    """Kamal's status and output, with a registry on the deployer. Raises TimeoutError.

    It is busy until it ends or, by what it has said so far, only `waits`.
    """
    lab.registry()
    pull = ["timeout", "--signal=KILL", _LIMIT, str(KAMAL), "build", "pull", "--version", "x", *words]
    environ = {**home.environ, "TMPDIR": str(home.path)}
    said = ""
    with _BUSY:
        process = subprocess.Popen(
            lab.command(pull, home, cwd=project), env=environ, text=True, errors="replace", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        output = cast("IO[str]", process.stdout)
        for line in output:
            said += line
            if waits(said):
                break
    with process:
        said += output.read()
    if process.returncode == _KILLED:
        raise TimeoutError(f"Kamal does not end within {_LIMIT} seconds: {said}")
    return process.returncode, said
