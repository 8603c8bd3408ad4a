"""The whole process of a check against the real Kamal's time until its forward stands, in turn, on the same hosts.

`bin/invoke dev.bench` prints it. Kamal's time runs from its start until the last target listens on 127.0.0.1:5555,
as seen on the targets themselves; ours from the start of the process until its end.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from dev.environment import ORACLE
from lab import Lab
from lab.lab import Home
from lab.project import deploy_yml, write_project

PROGRAM = str(Path(sys.executable).with_name("kamal-forward-check"))
KAMAL = str(ORACLE / "bin" / "kamal")

# Waits until the port is listened on and prints the clock that all processes of this machine share.
_WATCH = """
import sys, time
while True:
    for line in open("/proc/net/tcp"):
        words = line.split()
        if words[1] == "0100007F:15B3" and words[3] == "0A":
            print(time.monotonic())
            sys.exit()
    time.sleep(float(sys.argv[1]))
"""

# How often all targets together are looked at: the watching must not slow down what is watched.
_LOOK_SECONDS = 0.004


def main(runs: int = 6) -> int:
    """Print the table; 2 where the real Kamal can't run here."""
    if not Path(KAMAL).exists():
        print("the real Kamal is not here: its binary is for Linux on x86-64", file=sys.stderr)
        return 2
    print(f"{'':34}{'Kamal':>18}{'this':>20}{'ratio':>8}")
    for title, targets, faults in (
        ("1 host through a jump, all well", 1, []),
        ("10 hosts through a jump, all well", 10, []),
        ("1 host through a jump, refused", 1, ["allow-tcp-forwarding-no-dropin"]),
    ):
        kamal, ours = _measure(targets, faults, runs)
        print(f"{title:34}{figures(kamal):>18}{figures(ours):>20}{median(ours) / median(kamal):>8.2f}")
    print(f"median (least-most) seconds; {runs} runs in turn, 1 where refused (Kamal waits 30 s)")
    return 0


def _measure(targets: int, faults: Sequence[str], runs: int) -> tuple[list[float], list[float]]:
    names = [f"web-{number}" for number in range(1, targets + 1)]
    with Lab() as lab:
        lab.host("bastion", "front", "back", login="ops")
        for name in names:
            lab.host(name, login="deploy", faults=faults)
        lab.start()
        lab.registry()
        home = lab.home()
        project = write_project(home.path / "shop", deploy_yml(names, proxy="ops@bastion", user="deploy"))
        kamal = [KAMAL, "build", "pull", "--version", "x"]
        ours = [PROGRAM, "check", "--format", "json"]
        lab.run(ours, home, cwd=project)  # the first run fills the file cache
        if faults:
            return [_whole(lab, kamal, home, project)], [_whole(lab, ours, home, project)]
        return _in_turn(
            runs, lambda: _until_all_listen(lab, names, kamal, home, project), lambda: _whole(lab, ours, home, project)
        )


def _in_turn(runs: int, first: Callable[[], float], second: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Both in turn, so that a machine that slows down slows both."""
    pairs = [(first(), second()) for _ in range(runs)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def _whole(lab: Lab, command: Sequence[str], home: Home, project: Path) -> float:
    start = time.monotonic()
    lab.run(command, home, cwd=project)
    return time.monotonic() - start


def _until_all_listen(lab: Lab, names: Sequence[str], command: Sequence[str], home: Home, project: Path) -> float:
    seen: dict[str, float] = {}

    def watch(name: str) -> None:
        seen[name] = float(
            lab.on(name, ["python3", "-I", "-c", _WATCH, str(_LOOK_SECONDS * len(names))], limit=60).stdout
        )

    watchers = [threading.Thread(target=watch, args=(name,)) for name in names]
    for watcher in watchers:
        watcher.start()
    start = time.monotonic()
    done = lab.run(command, home, cwd=project)
    for watcher in watchers:
        watcher.join()
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, list(command), done.stdout, done.stderr)
    return max(seen.values()) - start


def figures(seconds: Sequence[float]) -> str:
    """The median, and the least and the most."""
    if len(seconds) == 1:
        return f"{seconds[0]:.2f}"
    return f"{median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
