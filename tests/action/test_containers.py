"""An image that can't be built is a failure, unless what it is made of is out of reach."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dev import containers
from dev.machine import CannotSetUp
from tests.action.container import ROOT

BUILD = f"""
import sys, pathlib
sys.path.insert(0, {str(ROOT)!r})
from dev import containers
try:
    containers.build(sys.argv[1], pathlib.Path(sys.argv[2]))
except containers.OutOfReach as why:
    print(why)
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder whose image can't be built, wherever that is tried."""
    (tmp_path / "Dockerfile").write_text(f"FROM {containers.base()}\nRUN echo of no use >&2 && false\n")
    return tmp_path


def test_a_broken_dockerfile_is_no_matter_of_reach(engine: str, broken: Path) -> None:
    with pytest.raises(CannotSetUp, match="this did not work") as raised:
        containers.build(engine, broken)
    assert not isinstance(raised.value, containers.OutOfReach)


@pytest.mark.isolated
def test_without_a_network_the_parts_are_out_of_reach(engine: str, broken: Path) -> None:
    if engine != "podman":
        pytest.skip("Docker fetches from its daemon's network")
    command = ["unshare", "--net", sys.executable, "-I", "-c", BUILD, engine, str(broken)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("what the image is made of can't be fetched: ")
