"""A project folder as Kamal wants one: config/deploy.yml, and the Gemfile.lock that names its Kamal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

KAMAL = "2.11.0"
"""The version that the real Kamal of the tests has."""


def deploy_yml(servers: Iterable[str], *, proxy: str = "", user: str = "", more: str = "") -> str:
    """A deploy.yml with a local registry; `proxy` and `user` are those of `ssh`, `more` is added at its end."""
    ssh = "".join(f"  {key}: {value}\n" for key, value in (("user", user), ("proxy", proxy)) if value)
    hosts = "".join(f"    - {server}\n" for server in servers)
    return (
        f"service: shop\nimage: shop\n\nservers:\n  web:\n{hosts}"
        + (f"\nssh:\n{ssh}" if ssh else "")
        + "\nregistry:\n  server: localhost:5555\n\nbuilder:\n  arch: amd64\n"
        + more
    )


def write_project(folder: Path, text: str) -> Path:
    """Write `text` as the project's config/deploy.yml, for KAMAL, and return the project's folder."""
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config" / "deploy.yml").write_text(text, encoding="utf-8")
    (folder / "Gemfile.lock").write_text(f"GEM\n  specs:\n    kamal ({KAMAL})\n", encoding="utf-8")
    return folder
