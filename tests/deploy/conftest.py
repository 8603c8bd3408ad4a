"""What the tests of deploy.yml share: files in a folder, and the real Kamal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kamal_forward_check import deploy
from kamal_forward_check.model import DeployConfig
from kamal_forward_check.system import System
from tests.deploy.oracle import Kamal, installed

Load = Callable[..., DeployConfig]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load `config/deploy.yml` with the given text, as from the project's folder."""

    def loaded(
        text: str,
        *,
        destination: str | None = None,
        kamal: str | None = "2.12.0",
        environ: Mapping[str, str] | None = None,
        **overlays: str,
    ) -> DeployConfig:
        folder = tmp_path / "config"
        folder.mkdir(exist_ok=True)
        (folder / "deploy.yml").write_text(text, encoding="utf-8")
        for name, overlay in overlays.items():
            (folder / f"deploy.{name}.yml").write_text(overlay, encoding="utf-8")
        system = System(environ=environ or {}, cwd=tmp_path, home=tmp_path)
        return deploy.load(system, "config/deploy.yml", destination, kamal)

    return loaded


@pytest.fixture(scope="session")
def real_kamal() -> Kamal:
    """The real Kamal, where it is installed."""
    if kamal := installed():
        return kamal
    pytest.skip("the real Kamal is not installed in .venv-oracle")
