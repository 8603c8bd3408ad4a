"""Virtual environments made from the hash-locked requirements: whole, or made again.

As a script it makes `.venv` for `bin/invoke`. It runs before anything is installed, so it needs Python's library alone.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from dev.machine import CannotSetUp, need, say  # noqa: E402 - `python -I` leaves the script's folder out

VENV = ROOT / ".venv"
ORACLE = ROOT / ".venv-oracle"


def product(state: str) -> None:
    """`.venv` with what the product needs at run time, and the product itself as an editable install."""

    def make() -> None:
        say("first call here: making .venv (about 15 seconds, once)")
        _create(VENV)
        _pip(VENV, "--require-hashes", "-r", ROOT / "requirements.txt", "-r", ROOT / "requirements-build.txt")
        _pip(VENV, "--no-build-isolation", "--no-index", "-e", ROOT)

    _once(VENV / "stamp", state, make)


def tools() -> None:
    """The tools of tests and lint, beside the product in `.venv`."""
    lock = ROOT / "requirements-dev.txt"

    def make() -> None:
        say("adding pytest, ruff, mypy and other tools to .venv (once)")
        _pip(VENV, "--require-hashes", "-r", lock)

    _once(VENV / "stamp-tools", lock.read_text(), make)


def oracle() -> None:
    """The real Kamal, as a binary, in an environment of its own."""
    lock = ROOT / "requirements-oracle.txt"

    def make() -> None:
        say("making .venv-oracle with the real Kamal (once)")
        _create(ORACLE)
        _pip(ORACLE, "--require-hashes", "-r", lock)

    _once(ORACLE / "stamp", f"{ROOT}\n{lock.read_text()}", make)


def _once(stamp: Path, state: str, make: Callable[[], None]) -> None:
    """Run `make` unless `stamp` says `state`. It is written last: what has no stamp is half made."""
    if _says(stamp, state):
        return
    with _alone():
        if _says(stamp, state):
            return
        stamp.unlink(missing_ok=True)
        make()
        stamp.write_text(state)


def _says(stamp: Path, state: str) -> bool:
    try:
        return stamp.read_text() == state
    except FileNotFoundError:
        return False


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time in this checkout. The lock ends with its holder, however that ends."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create(folder: Path) -> None:
    need("python3-venv")
    # the real path: a link such as /usr/bin/python3 may mean another Python tomorrow
    python = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]  # noqa: SLF001
    run(python, "-I", "-m", "venv", "--clear", folder)


def _pip(folder: Path, *arguments: str | Path) -> None:
    pip = folder / "bin" / "python", "-I", "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input"
    run(*pip, "install", "--no-deps", *arguments)


def run(*command: str | Path) -> None:
    """Run `command`, what it says going to standard error, or raise CannotSetUp where it fails."""
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode != 0:  # noqa: S603
        raise CannotSetUp(f"this did not work: {' '.join(map(str, command))}")


def main() -> int:
    """Make `.venv`; the words that its stamp is to hold come on standard input."""
    try:
        product(sys.stdin.read())
    except (CannotSetUp, OSError) as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
