"""What the schema has to say for itself: examples, and where a key belongs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).parents[1] / "schema" / "deploy.schema.json"


@cache
def whole() -> dict[str, Any]:
    """The schema, read once."""
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return schema


def instead(key: str, near: Sequence[str]) -> str:
    """What to do about a key that is not known where it stands, and which keys there are `near` it in spelling."""
    if near:
        return f"Write `{near[0]}`."
    places = _places(key)
    if len(places) == 1:
        return f"Kamal knows it as `{places[0]}`: move it there, or remove it."
    return "Remove it. Keys of your own begin with `x-`, and stand at the top level."


def _places(key: str) -> list[str]:
    """Where else in the file Kamal knows `key`: `servers/ROLE/cmd`."""
    found = []
    for top, inner in whole()["properties"].items():
        below = _resolved(inner)
        entries = _resolved(below.get("additionalProperties"))
        named = {"servers": "ROLE", "accessories": "NAME"}.get(top)
        for path, inside in ((top, below), (f"{top}/{named}", entries)) if named else ((top, below),):
            found += [f"{path}/{key}"] if key in inside.get("properties", ()) else []
    return found


def _resolved(schema: Any) -> Mapping[str, Any]:
    if not isinstance(schema, dict):
        return {}
    name = schema.get("$ref", "").removeprefix("#/definitions/")
    found: Mapping[str, Any] = whole()["definitions"][name] if name else schema
    return found


def example(path: tuple[str | int, ...], schema: Any) -> tuple[str, tuple[str, ...]] | tuple[()]:
    """A hint, and the schema's own example in two lines of a deploy.yml, or one at the top."""
    examples = schema.get("examples") if isinstance(schema, dict) else None
    if not examples:
        return ()
    import yaml

    value, around = examples[0], 2
    if isinstance(value, (list, dict)):
        around = 1
        value = value[:1] if isinstance(value, list) else dict(list(value.items())[:1])
    for step in reversed(path[-around:]):
        value = {str(step): value} if isinstance(step, str) else [value]
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return "Write it like this:", tuple(text.splitlines())
