"""What all tests share: options, the marker for tests that need hosts of their own, and servers on loopback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import can_isolate
from tests.probe.servers import Servers, make_key


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="write the expected files anew; read the difference after")
    parser.addoption("--engine", default="podman", help="what builds and runs the action's image: podman or docker")


def pytest_configure(config: pytest.Config) -> None:
    # A shell that runs us in the background has SIGINT ignored, and whatever a test starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # On a runner whatever a test starts would take itself for a step of this workflow, run for its event.
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        del os.environ[name]
    config.addinivalue_line("markers", "isolated: needs a lab whose hosts have namespaces of their own")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if why_not := can_isolate():
        skip = pytest.mark.skip(reason=why_not)
        for item in items:
            if item.get_closest_marker("isolated"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def accept(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be written instead of compared."""
    return bool(request.config.getoption("--accept"))


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key that every server lets in."""
    return make_key(tmp_path_factory.mktemp("key") / "id_ed25519")


@pytest.fixture
def servers(tmp_path: Path, key: Path) -> Iterator[Servers]:
    """Real sshd's, ended after the test."""
    (tmp_path / "home").mkdir()
    servers = Servers(tmp_path, key, tmp_path / "home")
    try:
        yield servers
    finally:
        servers.stop()
