"""A destination's file, and the two trees as one: as Kamal finds and merges them."""

from __future__ import annotations

import glob
from dataclasses import replace
from pathlib import PurePath

from kamal_forward_check.model import Node
from kamal_forward_check.system import System


def file_of(base: str, destination: str) -> str:
    """The file of a destination: Ruby's `sub_ext`, so deploy.yaml has deploy.staging.yml beside it too."""
    path = PurePath(base)
    return str(path.with_name(f"{path.stem}.{destination}.yml"))


def destinations(system: System, base: str) -> tuple[str, ...]:
    """The destinations whose files lie beside `base`."""
    path = system.path(base)
    before = f"{path.stem}."
    found = path.parent.glob(f"{glob.escape(before)}*.yml")
    return tuple(sorted(file.stem.removeprefix(before) for file in found if file.name != path.name))


def base_of(system: System, file: str) -> tuple[str, str] | None:
    """The file that `file` is laid on, and the destination that it is for; None where it is no such file."""
    path = PurePath(file)
    *_, suffix = path.suffixes or [""]
    words = path.stem.split(".") if suffix == ".yml" else []
    for length in range(len(words) - 1, 0, -1):
        for ending in (".yml", ".yaml"):
            base = str(path.with_name(".".join(words[:length]) + ending))
            if system.path(base).is_file():
                return base, ".".join(words[length:])
    return None


def merged(base: Node, over: Node) -> Node:
    """`over` laid on `base` as by ActiveSupport's deep_merge!: mappings are joined, all else is replaced."""
    if not isinstance(over.value, dict):
        return over
    if not isinstance(base.value, dict):
        return replace(over, unknown=over.unknown or base.unknown)
    values = dict(base.value)
    for key, node in over.value.items():
        values[key] = merged(values[key], node) if key in values else node
    return replace(base, value=values, unknown=base.unknown or over.unknown)
