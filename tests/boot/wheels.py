"""Wheels small enough to write by hand. It imports nothing but Python's library: a build backend loads it too."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path


def write(folder: Path, name: str, file: str, text: str) -> Path:
    """Write version 1.0 of `name`, a wheel with one `file`; its path."""
    about = f"{name}-1.0.dist-info"
    files = {
        file: text,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{path},sha256={_digest(held)},\n" for path, held in files.items())
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, held in files.items():
            archive.writestr(path, held)
    return wheel


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
