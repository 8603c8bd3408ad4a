"""Every linter of the project, one after the other, so that one run shows all there is to mend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dev.environment import ROOT
from dev.machine import say

_TOOLS = Path(sys.executable).parent
_UPDATES = ".github/dependabot.yml"
_SCHEMAS = ("schema/deploy.schema.json", "schema/report.schema.json")


def linters(root: Path = ROOT) -> tuple[tuple[str, ...], ...]:
    """Their command lines, to be run in the checkout `root`."""
    workflows = _found(root, ".github/workflows/*.yml", "examples/*.yml")
    return (
        ("ruff", "check"),
        ("ruff", "format", "--check"),
        ("mypy",),
        ("lint-imports",),
        ("check-jsonschema", "--check-metaschema", *_SCHEMAS),
        ("check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows),
        ("check-jsonschema", "--builtin-schema", "vendor.dependabot", _UPDATES),
        ("shellcheck", "bin/invoke", ".ci/run", "examples/pre-build"),
        ("shellcheck", "--shell=sh", *_found(root, "src/**/*.sh")),  # sent to hosts
        ("hadolint", "Dockerfile"),
        ("actionlint", "-pyflakes=", *workflows),
        ("zizmor", "--offline", "--no-progress", "--config", ".github/zizmor.yml", "action.yml", _UPDATES, *workflows),
    )


def run() -> int:
    """Run them all; 1 where one of them found something."""
    failed = [command[0] for command in linters() if finds(command)]
    if failed:
        say(f"to mend, by: {', '.join(failed)}")
    return int(bool(failed))


def finds(command: tuple[str, ...], root: Path = ROOT) -> bool:
    """Whether a linter finds something to mend in the checkout `root`."""
    name, *words = command
    # actionlint has what `run:` says judged by shellcheck where that is on PATH, and says nothing where it is not
    environ = {**os.environ, "PATH": f"{_TOOLS}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return subprocess.run([_TOOLS / name, *words], cwd=root, env=environ, check=False).returncode != 0  # noqa: S603


def _found(root: Path, *patterns: str) -> list[str]:
    """The files of these names, relative to `root`."""
    return [str(path.relative_to(root)) for pattern in patterns for path in sorted(root.glob(pattern))]
