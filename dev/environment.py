"""Virtual environments made from the hash-locked requirements: whole, or made again.

`bin/invoke` calls `main` before anything is installed, so Python's own library has to do.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dev.machine import CannotSetUp, alone, need, say

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
ORACLE = ROOT / ".venv-oracle"
ORACLE_OLDER = ROOT / ".venv-oracle-older"


def product(state: str) -> None:
    """`.venv` with what the product needs at run time, and the product itself as an editable install."""

    def make() -> None:
        say("making .venv from the locks (about 15 seconds, this once)")
        _create(VENV)
        _pip(VENV, "--require-hashes", "-r", ROOT / "requirements.txt", "-r", ROOT / "requirements-build.txt")
        _pip(VENV, "--no-build-isolation", "--no-index", "-e", ROOT)

    provide(VENV, "stamp", state, make)


def tools() -> None:
    """The tools of tests and lint, beside the product in `.venv`."""
    lock = ROOT / "requirements-dev.txt"

    def make() -> None:
        say("adding the tools of tests and lint to .venv (about 15 seconds, this once)")
        _pip(VENV, "--require-hashes", "-r", lock)

    provide(VENV, "stamp-tools", lock.read_text(), make)


def oracle() -> None:
    """Two versions of the real Kamal, as binaries, in environments of their own. Nothing where there are no such."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return
    _oracle(ORACLE, ROOT / "requirements-oracle.txt")
    _oracle(ORACLE_OLDER, ROOT / "requirements-oracle-older.txt")


def _oracle(folder: Path, lock: Path) -> None:
    def make() -> None:
        say(f"making {folder.name} with a real Kamal (about 10 seconds, this once)")
        _create(folder)
        _pip(folder, "--require-hashes", "-r", lock)

    provide(folder, "stamp", f"{ROOT}\n{lock.read_text()}", make)


def provide(folder: Path, stamp: str, state: str, make: Callable[[], None]) -> None:
    """Run `make` unless the file `stamp` in `folder` says `state`. It is written last: without it, all is half made."""

    def whole() -> bool:
        written = folder / stamp
        return (folder / "bin" / "python").exists() and written.exists() and written.read_text() == state

    if whole():
        return
    with alone(ROOT):
        if whole():  # by now: another process was at it
            return
        (folder / stamp).unlink(missing_ok=True)
        make()
        (folder / stamp).write_text(state)


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
