"""Which Kamal's rules apply, and how versions compare."""

from __future__ import annotations

import os
import re
from itertools import zip_longest
from pathlib import Path

from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import KamalVersion
from kamal_forward_check.system import System

NEWEST_KNOWN = "2.12.0"
ASSUMED, INPUT = "assumed", "input"

_VERSION = re.compile(r"v?(\d+(?:\.\d+)+(?:[.-][0-9A-Za-z]+)*)")
_LOCKED = re.compile(r" {4}kamal \(([^)\s]+)\)")
_GEM_VERSION = re.compile(r"\s*(?:[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?\s*")


def find(system: System, file: str, given: str | None) -> KamalVersion:
    """The version: as given, else of the project's Gemfile.lock, else the newest known.

    Raises:
        CannotCheck: `given` is no version, or the Kamal is older than 2 (its file has other keys).
    """
    if given:
        version = _VERSION.fullmatch(given.strip())
        if not version:
            raise CannotCheck(f"kamal-version: {given!r} is not a version", f"write it like {NEWEST_KNOWN}")
        return _supported(KamalVersion(version[1], INPUT))
    return _supported(_locked(system, file) or KamalVersion(NEWEST_KNOWN, ASSUMED))


def is_certain(kamal: KamalVersion) -> bool:
    """Whether all keys of this Kamal are known here, so that an unknown key is surely a mistake."""
    return kamal.source != ASSUMED and not is_older(NEWEST_KNOWN, kamal.version)


def described(kamal: KamalVersion) -> str:
    """The version and its source, as the end of a sentence."""
    if kamal.source == ASSUMED:
        return f"the newest Kamal known here is {kamal.version}"
    return f"kamal-version is {kamal.version}" if kamal.source == INPUT else f"{kamal.source} has {kamal.version}"


def is_older(version: str, other: str) -> bool:
    """Whether `version` comes before `other`, as RubyGems compares: 2.11.0.rc1 is older than 2.11."""
    for one, two in zip_longest(_segments(version), _segments(other), fillvalue=0):
        if one == two:
            continue
        if isinstance(one, int) and isinstance(two, int):
            return one < two
        return isinstance(one, str) and (isinstance(two, int) or one < two)
    return False


def is_version(text: str) -> bool:
    """Whether RubyGems takes `text` for a version."""
    return bool(_GEM_VERSION.fullmatch(text))


def _segments(version: str) -> list[int | str]:
    # To RubyGems, 1.0-x is 1.0.pre.x, and a segment of letters is a pre-release.
    words = re.findall(r"[0-9]+|[a-z]+", version.strip().replace("-", ".pre."), re.IGNORECASE)
    return [int(word) if word.isdigit() else word for word in words]


def _supported(kamal: KamalVersion) -> KamalVersion:
    if is_older(kamal.version, "2.0.0.a"):
        raise CannotCheck(f"{described(kamal)}: this check knows Kamal 2", "upgrade Kamal, or give --kamal-version")
    return kamal


def _locked(system: System, file: str) -> KamalVersion | None:
    folder = system.path(file).parent
    project = folder.parent if folder.name == "config" else folder
    for lockfile in dict.fromkeys((project / "Gemfile.lock", system.cwd / "Gemfile.lock")):
        for number, line in enumerate((system.read_text(lockfile) or "").split("\n"), start=1):
            if found := _LOCKED.fullmatch(line.rstrip()):
                return KamalVersion(found[1], f"{_relative(lockfile, system.cwd)}:{number}")
    return None


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
