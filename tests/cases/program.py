"""The program on a lab's deployer, and what a run of it came to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from lab import Home, Lab
from lab.state import changed, state


@dataclass(frozen=True)
class Outcome:
    """What the check said, as JSON and as text. `changed` is what it left otherwise on the hosts."""

    status: int
    report: dict[str, Any]
    text: str
    stderr: str
    changed: set[tuple[str, str, str]]


class Program:
    """The program in a home and a project, run as often as one likes: see told.py. It ends with the lab."""

    def __init__(self, lab: Lab, home: Home, project: Path) -> None:
        self._lab = lab
        told = Path(__file__).with_name("told.py")
        self._process = subprocess.Popen(
            lab.command([sys.executable, "-I", str(told), str(lab.folder)], home, cwd=project),
            env=home.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self._input, self._output = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it with these words."""
        self._input.write(f"{json.dumps(words)}\n")
        self._input.flush()
        status = self._output.readline()
        assert status, "the process that runs the program is gone"
        out, err = ((self._lab.folder / name).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(words, int(status), out, err)

    def look(self, *words: str) -> Outcome:
        """Run it for a report, and see what it changed in the lab."""
        before = state(self._lab)
        text = self._lab.folder / "report.txt"
        text.unlink(missing_ok=True)
        told = self.run(*words, "--format", "json")
        changes = changed(self._lab, before)
        if not text.exists():
            return Outcome(told.returncode, {}, "", told.stderr, changes)
        report = json.loads(told.stdout)
        return Outcome(
            told.returncode, report, normal(text.read_text(encoding="utf-8"), self._lab), told.stderr, changes
        )


NORMAL = (
    (r" *\b\d+(?:\.\d+)? (?:ms|s)\b( ?) *", r" <time>\1"),
    (r"SHA256:[A-Za-z0-9+/]{43}", "<fingerprint>"),
    (r"AAAA[A-Za-z0-9+/]{40,}={0,2}", "<key>"),
    (r"the host's own\s+sshd\s+\(OpenSSH[^)]*\)", "the host's own sshd (OpenSSH <version>)"),
    (r"pid[= ]\d+", "pid=<pid>"),
    (r"Exceeded MaxStartups|Not allowed at this time", "<what sshd says>"),  # up to 9.7, and from 9.8
    (r" +$", ""),
)
"""What differs from run to run, or from machine to machine, as (pattern, replacement)."""


def normal(text: str, lab: Lab) -> str:
    """`text` with all that differs from run to run replaced."""
    text = text.replace(str(lab.folder), "<lab>")
    for pattern, replacement in NORMAL:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text
