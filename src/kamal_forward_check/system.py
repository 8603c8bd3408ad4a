"""All that the program may ask of the machine it runs on, as one record that is passed in."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_RUNNERS = re.compile(r"INPUT_|ACTIONS_", re.IGNORECASE)
_TOKEN = re.compile("TOKEN", re.IGNORECASE)
_MOST_BYTES = 16 << 20
_PR_SET_DUMPABLE = 4  # Linux, sys/prctl.h


def is_runners(name: str) -> bool:
    """Whether only the runner and our door are to know a variable: nothing that deploy.yml says may show it."""
    return _RUNNERS.match(name) is not None


def _run(command: Sequence[str], limit: float, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    with subprocess.Popen(  # noqa: S603 - the callers' own fixed commands
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environ,
        start_new_session=True,
    ) as process:
        try:
            said = process.communicate(timeout=limit)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with what it started itself: `ssh -G` runs `Match exec`
            raise
    return subprocess.CompletedProcess(command, process.returncode, *said)


def _keep_to_itself() -> None:
    """Close /proc/PID/environ and mem to children: they tell what this process was started with, and holds."""
    import ctypes

    with contextlib.suppress(AttributeError, OSError):  # macOS has neither
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def contents(path: Path) -> bytes:
    """All that a regular file holds, or that comes through a pipe. Raises OSError, and ValueError for a NUL.

    A file of the repository may name anything, or be a link to it: what has no end is not read, nor a pipe into
    which we write ourselves.
    """
    with path.open("rb") as file:
        what = os.fstat(file.fileno())
        if not stat.S_ISREG(what.st_mode) and (not stat.S_ISFIFO(what.st_mode) or _is_ours(what)):
            raise OSError(errno.EINVAL, "it is no regular file")
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise OSError(errno.EFBIG, "it is larger than 16 MB")
    return data


def _is_ours(pipe: os.stat_result) -> bool:
    """Whether it is one of this process's standard streams."""
    streams = []
    for number in range(3):
        with contextlib.suppress(OSError):  # a closed one
            streams.append(os.fstat(number))
    return any(os.path.samestat(pipe, stream) for stream in streams)


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs this, by the user database: what ssh calls `~` and the local user, whatever $HOME says."""

    name: str
    home: Path

    @classmethod
    def own(cls) -> Account:
        """This process's user; without a name where the user database has none."""
        try:
            entry = pwd.getpwuid(os.getuid())
        except KeyError:
            return cls("", Path("/"))
        return cls(entry.pw_name, Path(entry.pw_dir))


@dataclass(frozen=True, slots=True)
class System:
    """The machine: variables, folders, files, clock (seconds, monotonic) and programs.

    Paths that people gave are relative to `cwd`.
    """

    environ: Mapping[str, str]
    cwd: Path
    home: Path
    account: Account = field(default_factory=Account.own)
    clock: Callable[[], float] = field(default=time.monotonic)
    runner: Callable[[Sequence[str], float, Mapping[str, str]], subprocess.CompletedProcess[str]] = field(default=_run)
    withheld: frozenset[str] = frozenset()
    """The names of variables that are for this process alone."""

    @classmethod
    def real(cls, *, on_runner: bool = False) -> System:
        """The machine as this process sees it. Home is $HOME, as for ssh and Ruby.

        On a runner, what is its own, and tokens, leave the process's environment: then only `environ` has them.
        """
        environ = dict(os.environ)
        withheld: frozenset[str] = frozenset()
        if on_runner or environ.get("GITHUB_ACTIONS") == "true":
            withheld = frozenset(name for name in environ if is_runners(name) or _TOKEN.search(name))
        for name in withheld:
            os.environ.pop(name, None)
        if withheld:
            _keep_to_itself()
        return cls(environ, Path.cwd(), Path(environ.get("HOME") or Path.home()), withheld=withheld)

    @property
    def child_environ(self) -> dict[str, str]:
        """The variables that whatever is started here is given."""
        return {name: value for name, value in self.environ.items() if name not in self.withheld}

    def run(self, command: Sequence[str], limit: float) -> subprocess.CompletedProcess[str]:
        """Run a command for `limit` seconds at most, without input. Raises OSError and TimeoutExpired."""
        return self.runner(command, limit, self.child_environ)

    def path(self, text: str) -> Path:
        """`text` as a path: `~` is the home folder, and what is not absolute lies in `cwd`."""
        if text == "~" or text.startswith("~/"):
            return self.home / text[2:]
        return self.cwd / text

    def read_text(self, path: Path) -> str | None:
        """The file's text as UTF-8 (bad bytes replaced), or None where there is no readable file."""
        try:
            return contents(path).decode("utf-8", "replace")
        except (OSError, ValueError):
            return None

    def unreadable(self, text: str) -> str:
        """Why the file that a person calls `text` can't be read; empty where it can. A pipe can be."""
        try:
            path = self.path(text)
            if stat.S_ISDIR(path.stat().st_mode):
                return "it is a folder"
        except OSError as error:
            return (error.strerror or str(error)).lower()
        except ValueError:  # a NUL, which no name holds
            return "no file has such a name"
        return "" if os.access(path, os.R_OK) else "permission denied"

    def read_bytes(self, path: Path, limit: int) -> bytes | None:
        """The first `limit` bytes of a regular file, or None where there is no readable one."""
        try:
            if not path.is_file():  # to open a pipe is to wait for its writer
                return None
            with path.open("rb") as file:
                return file.read(limit)
        except (OSError, ValueError):
            return None
