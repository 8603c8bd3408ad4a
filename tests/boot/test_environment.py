"""When an environment counts as whole: for bin/invoke, which starts no Python to find out, and for the set-up."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dev import environment
from dev.machine import CannotSetUp

ROOT = Path(__file__).resolve().parents[2]
SET_UP = "import sys\ndef main():\n    print('set up for', sys.stdin.read())\n    return 5\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is set up, whose set-up would end with status 5, and whose tasks end with 7."""
    made = tmp_path / "checkout"
    for folder in ("bin", "dev", ".venv/bin"):
        (made / folder).mkdir(parents=True)
    shutil.copy(ROOT / "bin" / "invoke", made / "bin")
    (made / "dev" / "environment.py").write_text(SET_UP)
    (made / "tasks.py").write_text("raise SystemExit(7)")
    (made / "requirements.txt").write_text("one\n")
    (made / "requirements-build.txt").write_text("two\n")
    (made / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (made / ".venv" / "stamp").write_text(f"{made}\none\ntwo\n")
    return made


def _moved(checkout: Path) -> Path:
    return checkout.rename(checkout.with_name("elsewhere"))


def _lock_changed(checkout: Path) -> Path:
    (checkout / "requirements-build.txt").write_text("three\n")
    return checkout


def _no_stamp(checkout: Path) -> Path:
    (checkout / ".venv" / "stamp").unlink()
    return checkout


def _python_gone(checkout: Path) -> Path:
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    return checkout


@pytest.mark.parametrize("change", [_moved, _lock_changed, _no_stamp, _python_gone])
def test_set_up_is_called_where_something_changed_and_its_failure_is_final(
    checkout: Path, change: Callable[[Path], Path]
) -> None:
    assert subprocess.run([checkout / "bin" / "invoke"], check=False).returncode == 7
    checkout = change(checkout)
    done = subprocess.run([checkout / "bin" / "invoke"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith(f"set up for {checkout}\none\n")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """The folder of an environment that is whole for the state "as it was"."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "stamp").write_text("as it was")
    return tmp_path


def test_what_is_whole_is_left_alone(whole: Path) -> None:
    environment.provide(whole, "stamp", "as it was", lambda: pytest.fail("made again"))


def test_another_state_is_made_and_noted(whole: Path) -> None:
    calls: list[str] = []
    for _ in range(2):
        environment.provide(whole, "stamp", "as it is", lambda: calls.append("made"))
    assert calls == ["made"]


def test_a_python_that_is_gone_is_made_again(whole: Path) -> None:
    python = whole / "bin" / "python"
    python.unlink()
    environment.provide(whole, "stamp", "as it was", lambda: python.symlink_to(sys.executable))
    assert python.exists()


def test_a_failure_leaves_no_stamp(whole: Path) -> None:
    with pytest.raises(CannotSetUp, match="this did not work: false"):
        environment.provide(whole, "stamp", "as it is", lambda: environment.run("false"))
    assert not (whole / "stamp").exists()
