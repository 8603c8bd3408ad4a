"""A shell that is process 1 of Linux namespaces of its own: a small machine that dies with its owner.

Nothing of it has a name: no file in /run/netns, no mount that others see. When its input ends, by `end` or because
the owning process is gone, the shell ends, and the kernel takes its processes, mounts and network devices with it.
"""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

_READY_WITHIN = 10.0
_ALONE = ("--net", "--mount", "--uts", "--pid", "--mount-proc")


class ShellError(RuntimeError):
    """A command in a shell did not end well; the message has the commands and what they said."""


class Shell:
    """`sh` in new namespaces, which takes commands as text.

    `own` lists what it has for itself, as options of unshare(1); by default network, mounts, host name and processes.
    Where it has nothing for itself it is a plain shell.
    `at_end` is a last command, which runs even where the owner was killed (but not where the shell itself was).
    """

    def __init__(self, log: Path, own: tuple[str, ...] = _ALONE, at_end: str = ":") -> None:
        self._log = log
        unshare = ["unshare", *own, "--fork", "--kill-child"] if own else []
        with log.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [*unshare, "sh", "-uc", 'trap "$0" EXIT; . /dev/stdin', at_end],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,  # Ctrl-C is for the owner, who tears down in order
            )
        self._input, self._output = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        self._own = own

    @property
    def pid(self) -> int:
        """A process that is in the shell's network and mounts, as the machine outside numbers it."""
        return self._process.pid

    def tell(self, commands: str) -> None:
        """Hand in commands that must all succeed, and don't wait: `hear` has the answer."""
        try:
            self._input.write(f"( set -e\n{commands}\n)\necho done $?\n")
            self._input.flush()
        except BrokenPipeError:
            self._fail(commands)

    def hear(self, told: str = "") -> str:
        """What the commands handed in first, and not heard of yet, wrote on their output. Raises ShellError."""
        lines: list[str] = []
        for line in self._output:
            if line.startswith("done "):
                if line != "done 0\n":
                    self._fail(told)
                return "".join(lines)
            lines.append(line)
        return self._fail(told)

    def run(self, commands: str) -> str:
        """What the commands wrote. Raises ShellError where one of them failed."""
        self.tell(commands)
        return self.hear(commands)

    def _fail(self, told: str) -> str:
        said = self._log.read_text(encoding="utf-8")[-2000:]
        raise ShellError(f"{told.strip()[-2000:]}\nfailed: {said.strip() or 'without a word'}")

    def enter(self) -> list[str]:
        """The start of a command line that runs the rest of it in this shell's namespaces."""
        ours = [f"--pid=/proc/{self.pid}/ns/pid_for_children" if kind == "--pid" else kind for kind in self._own]
        return ["nsenter", f"--target={self.pid}", *(kind for kind in ours if kind != "--mount-proc"), "--"]

    def start(self, argv: Sequence[str], ready: Callable[[], bool]) -> None:
        """Start a program that ends with the shell, and wait until it is `ready`. Raises TimeoutError."""
        self.run(f"{shlex.join(argv)} >&2 &")
        self.wait_for(ready, shlex.join(argv))

    def wait_for(self, ready: Callable[[], bool], what: str) -> None:
        """Return as soon as `ready()`. Raises TimeoutError, with what the shell's programs said."""
        until = time.monotonic() + _READY_WITHIN
        while not ready():
            if time.monotonic() > until:
                raise TimeoutError(f"{what} is not ready: {self._log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(0.002)

    def listens(self, port: int) -> bool:
        """Whether a TCP socket listens on `port` in this shell's network: /proc tells, so nobody's log shows it."""
        state, wanted = "0A", f":{port:04X}"
        for table in ("tcp", "tcp6"):
            path = Path(f"/proc/{self.pid}/net/{table}")
            rows = (row.split() for row in path.read_text(encoding="ascii").splitlines()[1:]) if path.exists() else ()
            if any(row[1].endswith(wanted) and row[3] == state for row in rows):
                return True
        return False

    def end(self) -> None:
        """Let the shell come to its end; `wait` is for it to be gone."""
        with suppress(BrokenPipeError):
            self._input.close()

    def wait(self, limit: float = 5.0) -> None:
        """Return when all of it is gone; what does not go by itself within `limit` seconds is killed."""
        self.end()
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
