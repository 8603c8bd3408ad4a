"""Chromium without a window, and Mermaid for the pages that it shows."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dev.environment import ROOT
from dev.machine import CHROMIUMS, CannotSetUp, say

_MERMAID = "@mermaid-js/tiny@11.17.2"  # Mermaid's own build for flowcharts and what else is common
_SHA512 = "PmFr1c5cSfNf5AngLLR98DrbvR4U5KeD7I+hQkGqG5w5Veu3QT4dG0qu9f99cpn/sKj2XxRBK0q7EL6hr9NY/A=="
_SCRIPT = "package/dist/mermaid.tiny.js"
_KEPT = ROOT / ".browser" / "mermaid-11.17.2.js"
_RESULT = re.compile(r'data-result="([^"]*)"')
_LONGEST_S = 300


def mermaid() -> Path:
    """Mermaid's script, fetched by npm once. Raises CannotSetUp where it can't be had, or is not what was asked for."""
    if not _KEPT.exists():
        say(f"fetching {_MERMAID} with npm, this once")
        _KEPT.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT.parent) as folder:
            packed = _packed(Path(folder))
            if _sha512(packed) != _SHA512:
                raise CannotSetUp(f"{_MERMAID}: npm gave something else, its sha512 is {_sha512(packed)}")
            with tarfile.open(packed) as archive:
                archive.extract(_SCRIPT, folder, filter="data")
            (Path(folder) / _SCRIPT).rename(_KEPT)
    return _KEPT


def _packed(folder: Path) -> Path:
    pack = [_program("npm"), "pack", "--silent", "--pack-destination", str(folder), _MERMAID]
    done = subprocess.run(pack, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise CannotSetUp(f"npm pack {_MERMAID}: {done.stderr.strip()}")
    return next(folder.glob("*.tgz"))


def _sha512(file: Path) -> str:
    """As npm writes it: base64."""
    return base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()


def result(page: Path, width: int) -> Any:
    """What the script of `page` left as its root's `data-result`, in JSON. Raises CannotSetUp where it left nothing."""
    shown = _chromium(page, "--dump-dom", f"--window-size={width},1000")
    found = _RESULT.search(shown)
    if not found:
        raise CannotSetUp(f"Chromium ran nothing of {page}: {shown[-500:]}")
    return json.loads(unquote(found[1]))


def photograph(page: Path, picture: Path, width: int, height: int, scale: float) -> None:
    """Write what `page` looks like in a window of this size, in CSS pixels, as a PNG."""
    _chromium(
        page,
        f"--screenshot={picture}",
        f"--window-size={width},{height}",
        f"--force-device-scale-factor={scale}",
        "--hide-scrollbars",
    )


def _chromium(page: Path, *options: str) -> str:
    """Run it on `page` until its script has nothing more to do; what it prints."""
    # as root it has no sandbox; the pages are our own, and nothing is fetched
    rootless = [] if os.geteuid() else ["--no-sandbox"]
    with tempfile.TemporaryDirectory() as profile:
        own = "--disable-dev-shm-usage", f"--user-data-dir={profile}"  # a container's /dev/shm may be too small
        fixed = "--headless=new", "--disable-gpu", "--virtual-time-budget=60000"
        command = [_program(*CHROMIUMS), *fixed, *own, *rootless, *options, page.resolve().as_uri()]
        done = subprocess.run(  # noqa: S603 - our own fixed commands
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LONGEST_S, check=False
        )
    if done.returncode != 0:
        raise CannotSetUp(f"{command[0]}: {done.stderr.strip()[-500:]}")
    return done.stdout


def _program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise CannotSetUp(f"{' or '.join(names)} missing")
    return found
