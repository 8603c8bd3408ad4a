"""The test run, in a process of its own."""

from __future__ import annotations

import shlex
import subprocess
import sys

from dev.environment import ROOT


def run(args: str = "", *, coverage: bool = False) -> int:
    """Run pytest with the words of `args` added; its exit status."""
    words = [*(["--cov"] if coverage else []), *shlex.split(args)]
    return subprocess.run([sys.executable, "-I", "-m", "pytest", *words], cwd=ROOT, check=False).returncode  # noqa: S603
