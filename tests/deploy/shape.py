"""The schema as a list of places: every key, with every type that Kamal takes there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kamal_forward_check.deploy.known import SCHEMA
from kamal_forward_check.deploy.scalars import Symbol
from kamal_forward_check.model import Node

ROOT: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
ELEMENT, NAME = "-", "*"
"""A step to any element of a list, and to any name in a mapping whose names are free."""


class Use(NamedTuple):
    """A place, `servers/*/hosts/-`, and a type of JSON Schema's that a value has there."""

    place: str
    type: str


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema`, or what it refers to."""
    while "$ref" in schema:
        found: Any = ROOT
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def inside(schema: Mapping[str, Any], step: str | int) -> tuple[str, Mapping[str, Any]]:
    """The step's own name in a place, and the schema of what is there: empty where there is none."""
    if isinstance(step, int):
        return ELEMENT, resolved(schema.get("items", {}))
    if step in schema.get("properties", {}):
        return step, resolved(schema["properties"][step])
    others = schema.get("additionalProperties")
    return (NAME, resolved(others)) if isinstance(others, dict) else (step, {})


def wanted(schema: Mapping[str, Any] = ROOT, place: str = "") -> Iterator[tuple[Use, str]]:
    """Every use that the schema allows, and the Kamal from which on it does, if that is not the first."""
    for step in (*schema.get("properties", ()), *((0,) if "items" in schema else ())):
        yield from _wanted_at(*inside(schema, step), place)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _wanted_at(NAME, resolved(schema["additionalProperties"]), place)


def _wanted_at(step: str, schema: Mapping[str, Any], place: str) -> Iterator[tuple[Use, str]]:
    if schema.get("not") == {}:
        return
    here = f"{place}/{step}".removeprefix("/")
    types = schema.get("type", [])
    for name in [types] if isinstance(types, str) else types:
        if schema.get("not") != {"const": True} or name != "boolean":
            yield Use(here, name), schema.get("x-kamal-since", "")
    for use, since in wanted(schema, here):
        yield use, since or schema.get("x-kamal-since", "")


def used(node: Node, schema: Mapping[str, Any] = ROOT, place: str = "") -> Iterator[Use]:
    """The uses in a tree."""
    inner: list[tuple[str | int, Node]] = [*node.items(), *enumerate(node.elements())]
    for key, value in inner:
        step, its_schema = inside(schema, key)
        here = f"{place}/{step}".removeprefix("/")
        yield from (Use(here, name) for name in _types(value.value))
        yield from used(value, its_schema, here)


def _types(value: object) -> tuple[str, ...]:
    match value:
        case bool():
            return ("boolean",)
        case int():
            return ("integer", "number")
        case float():
            return ("number",)
        case str() | Symbol():
            return ("string",)
        case list():
            return ("array",)
        case dict():
            return ("object",)
    return ()
