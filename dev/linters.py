"""Every linter of the project, one after the other, so that one run shows all there is to mend."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dev.environment import ROOT
from dev.machine import say

SENT_TO_HOSTS = tuple(str(script) for script in ROOT.glob("src/**/*.sh"))
WORKFLOWS = tuple(
    str(path) for folder in (".github/workflows", "examples") for path in sorted(ROOT.glob(f"{folder}/*.yml"))
)
SCHEMAS = ("schema/deploy.schema.json", "schema/report.schema.json")
LINTERS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("lint-imports",),
    ("check-jsonschema", "--check-metaschema", *SCHEMAS),
    ("check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"),
    ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS),
    ("shellcheck", "bin/invoke", ".ci/run", "examples/pre-build"),
    ("shellcheck", "--shell=sh", *SENT_TO_HOSTS),
    ("hadolint", "Dockerfile"),
    ("zizmor", "--offline", "--no-progress", "--config", ".github/zizmor.yml", "action.yml", *WORKFLOWS),
)


def run() -> int:
    """Run them all; 1 where one of them found something."""
    tools = Path(sys.executable).parent
    failed = [name for name, *words in LINTERS if _fails(tools / name, *words)]
    if failed:
        say(f"to mend, by: {', '.join(failed)}")
    return int(bool(failed))


def _fails(*command: str | Path) -> bool:
    return subprocess.run(command, cwd=ROOT, check=False).returncode != 0  # noqa: S603
