"""The hash-locked requirements, written anew by uv from pyproject.toml.

`requirements.txt` is what the product runs with. The others hold to its versions, as they land in the same `.venv`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dev.environment import run

GROUPS = ("build", "dev", "oracle", "oracle-older")


def write() -> None:
    """Renew every lock. No index or other address is written, whatever this machine is set up with."""
    _compile("requirements.txt", "pyproject.toml")
    for group in GROUPS:
        _compile(f"requirements-{group}.txt", "--group", f"pyproject.toml:{group}", "-c", "requirements.txt")


def _compile(lock: str, *source: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    form = "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet"
    run(uv, "pip", "compile", *form, "--upgrade", *source, "--output-file", lock)
