"""bin/invoke, run for real on a small checkout whose one dependency is a wheel made here: there is no network in it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.boot import wheels

ROOT = Path(__file__).resolve().parents[2]
TASKS = """
import json, os, sys
import dependency, product
seen = {"words": sys.argv[1:], "folder": os.getcwd(), "isolated": sys.flags.isolated, "stdin": sys.stdin.read()}
print(json.dumps(seen))
sys.exit(7)
"""
BACKEND = """
import pathlib, wheels
def build_editable(folder, config_settings=None, metadata_directory=None):
    return wheels.write(pathlib.Path(folder), "product", "product.pth", str(pathlib.Path.cwd() / "src")).name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def locked(folder: Path, name: str) -> str:
    """Write a wheel of one empty module; its line for a locked requirements file."""
    wheel = wheels.write(folder, name, f"{name}.py", "")
    return f"./{wheel.name} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout on which bin/invoke was never called, in a folder with a space in its name."""
    checkout = tmp_path_factory.mktemp("home") / "a checkout"
    for folder in ("bin", "dev"):
        shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "src").mkdir()
    (checkout / "src" / "product.py").touch()
    (checkout / "tasks.py").write_text(TASKS)
    shutil.copy(wheels.__file__, checkout)
    (checkout / "backend.py").write_text(BACKEND)
    (checkout / "pyproject.toml").write_text(PROJECT)
    (checkout / "requirements.txt").write_text(locked(checkout, "dependency"))
    (checkout / "requirements-build.txt").write_text(locked(checkout, "builder"))
    return checkout


def start(checkout: Path, *words: str, cwd: Path, **environ: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [checkout / "bin" / "invoke", *words],
        cwd=cwd,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin", **environ},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate("given", timeout=120)
    return process.returncode, out, err


def invoke(checkout: Path, *words: str, cwd: Path, **environ: str) -> tuple[int, str, str]:
    return finish(start(checkout, *words, cwd=cwd, **environ))


@pytest.fixture(scope="module")
def first_calls(fresh: Path) -> Sequence[tuple[int, str, str]]:
    """What two first calls at the same moment came to."""
    calls = [start(fresh, "check", "--format", "json", cwd=fresh.parent) for _ in range(2)]
    return [finish(call) for call in calls]


@pytest.fixture
def checkout(fresh: Path, first_calls: Sequence[tuple[int, str, str]]) -> Path:
    """The checkout after its first calls."""
    assert all(status == 7 for status, _, _ in first_calls), first_calls
    return fresh


def test_first_calls_at_once_set_up_and_leave_stdout_and_status_to_the_task(
    fresh: Path, first_calls: Sequence[tuple[int, str, str]]
) -> None:
    expected = {"words": ["check", "--format", "json"], "folder": str(fresh.parent), "isolated": 1, "stdin": "given"}
    assert [(status, json.loads(out)) for status, out, _ in first_calls] == [(7, expected)] * 2
    assert sum(err.count("making .venv") for _, _, err in first_calls) == 1


def test_later_calls_make_nothing_and_say_nothing(checkout: Path, tmp_path: Path) -> None:
    def files() -> dict[Path, int]:
        return {path: path.lstat().st_mtime_ns for path in (checkout / ".venv").rglob("*")}

    before = files()
    status, _, err = invoke(checkout, "check", cwd=tmp_path)
    assert (status, err) == (7, "")
    assert files() == before


def test_what_is_half_made_is_made_again(checkout: Path, tmp_path: Path) -> None:
    venv = checkout / ".venv"
    (venv / "stamp").unlink()
    for pip in venv.glob("lib/python3*/site-packages/pip"):  # `venv` leaves none where ensurepip is missing
        shutil.rmtree(pip)
    status, out, err = invoke(checkout, "check", cwd=tmp_path)
    assert (status, json.loads(out)["words"]) == (7, ["check"]), err
    assert "making .venv" in err
    assert invoke(checkout, "check", cwd=tmp_path)[2] == ""


def test_what_lies_in_the_callers_folder_and_variables_is_not_loaded(checkout: Path, tmp_path: Path) -> None:
    for name in ("tasks.py", "product.py", "dependency.py", "sitecustomize.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('loaded by mistake')\n")
    status, _, err = invoke(checkout, "check", cwd=tmp_path, PYTHONPATH=str(tmp_path), PYTHONHOME=str(tmp_path))
    assert (status, err) == (7, "")


def test_a_link_to_it_finds_the_checkout(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "invoke").symlink_to(checkout / "bin" / "invoke")
    assert invoke(tmp_path, "check", cwd=tmp_path)[0] == 7


def test_without_a_new_enough_python_one_message_says_so(fresh: Path, tmp_path: Path) -> None:
    for program in ("sh", "readlink", "cat", "cmp"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # Python 3.10's answer to "are you 3.11 or newer?"
    old.chmod(0o755)
    bare = tmp_path / "checkout"
    shutil.copytree(fresh / "bin", bare / "bin")
    for lock in ("requirements.txt", "requirements-build.txt"):
        (bare / lock).touch()
    status, out, err = invoke(bare, "check", cwd=tmp_path, PATH=str(tmp_path))
    assert (status, out) == (2, "")
    assert err.splitlines()[0] == "kamal-forward-check: needs Python 3.11 or newer, and finds none on PATH"
    assert len(err.splitlines()) == 2
