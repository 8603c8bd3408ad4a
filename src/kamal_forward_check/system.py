"""All that the program may ask of the machine it runs on, as one record that is passed in."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def _run(command: Sequence[str], limit: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the callers' own fixed commands
        command, capture_output=True, text=True, errors="replace", timeout=limit, check=False, stdin=subprocess.DEVNULL
    )


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
    run: Callable[[Sequence[str], float], subprocess.CompletedProcess[str]] = field(default=_run)

    @classmethod
    def real(cls) -> System:
        """The machine as this process sees it. Home is $HOME, as for ssh and Ruby."""
        return cls(environ=dict(os.environ), cwd=Path.cwd(), home=Path(os.environ.get("HOME") or Path.home()))

    def path(self, text: str) -> Path:
        """`text` as a path: `~` is the home folder, and what is not absolute lies in `cwd`."""
        if text == "~" or text.startswith("~/"):
            return self.home / text[2:]
        return self.cwd / text

    def read_text(self, path: Path) -> str | None:
        """The file's text as UTF-8 (bad bytes replaced), or None where there is no readable file."""
        try:
            return path.read_text(encoding="utf-8", errors="replace")
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
