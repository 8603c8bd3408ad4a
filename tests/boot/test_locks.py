"""The locks hold what pyproject.toml asks for, with a hash each, and no tracked file names a package index."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = {
    "requirements.txt": PROJECT["project"]["dependencies"],
    **{f"requirements-{group}.txt": words for group, words in PROJECT["dependency-groups"].items()},
}
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<rest>.*(?:\n    .*)*)", re.MULTILINE)


def pins(lock: str) -> list[re.Match[str]]:
    return list(PIN.finditer((ROOT / lock).read_text()))


@pytest.mark.parametrize("lock", ASKED)
def test_a_lock_has_what_is_asked_for_and_nothing_else_at_its_root(lock: str) -> None:
    asked = {canonicalize_name(Requirement(words).name): Requirement(words) for words in ASKED[lock]}
    roots = {
        canonicalize_name(pin["name"]): pin["version"]
        for pin in pins(lock)
        if "kamal-forward-check (pyproject.toml" in pin["rest"]
    }
    assert set(roots) == set(asked)
    assert [name for name, version in roots.items() if version not in asked[name].specifier] == []


@pytest.mark.parametrize("lock", ASKED)
def test_every_pin_has_a_hash(lock: str) -> None:
    assert [pin["name"] for pin in pins(lock) if "--hash=sha256:" not in pin["rest"]] == []


def test_locks_for_one_environment_agree() -> None:
    versions: dict[str, set[str]] = {}
    for lock in ("requirements.txt", "requirements-build.txt", "requirements-dev.txt"):
        here: dict[str, set[str]] = {}
        for pin in pins(lock):
            here.setdefault(pin["name"], set()).add(pin["version"])
        for name, found in here.items():
            assert versions.setdefault(name, found) == found, name


def test_no_tracked_file_names_an_index() -> None:
    address = "|".join(("(pypi|pythonhosted)" + "[.]org", "index-" + "url", "find-" + "links", "trusted-" + "host"))
    command = ["git", "-c", f"safe.directory={ROOT}", "grep", "--untracked", "-nIE", address]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")


def test_no_lock_holds_an_address_or_a_folder() -> None:
    held = [
        line for lock in ASKED for line in (ROOT / lock).read_text().splitlines() if re.search(r"://|^[^#]*/", line)
    ]
    assert held == []
