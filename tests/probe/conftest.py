"""The servers that a test of the walk talks to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probe.servers import Servers, make_key


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


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """A failing test's report is not about paramiko's own log."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
