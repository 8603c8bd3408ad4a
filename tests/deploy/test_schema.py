"""The schema itself: what editors and the words of our problems rely on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft7Validator

from kamal_forward_check.deploy.schema import SCHEMA

FOUND: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))


def subschemas(schema: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside `schema`, with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in ("properties", "patternProperties", "definitions", "dependencies"):
        for name, inner in schema.get(keyword, {}).items():
            yield from subschemas(inner, f"{path}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties", "propertyNames", "not"):
        yield from subschemas(schema.get(keyword), f"{path}/{keyword}")


ALL = dict(subschemas(FOUND))


def test_it_is_draft_7_and_stands_alone() -> None:
    assert FOUND["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(FOUND)
    references = {schema["$ref"] for schema in ALL.values() if "$ref" in schema}
    assert references
    assert references <= ALL.keys()


def test_nothing_stands_beside_a_reference() -> None:
    """Draft 7 ignores it."""
    assert [path for path, schema in ALL.items() if "$ref" in schema and len(schema) > 1] == []


def test_unions_are_lists_of_types() -> None:
    """Else all that can be said is that nothing fits."""
    assert [path for path, schema in ALL.items() if schema.keys() & {"anyOf", "oneOf", "allOf", "if"}] == []


def test_nothing_is_required() -> None:
    """A destination's file has the same schema, and is half of a pair."""
    assert [path for path, schema in ALL.items() if "required" in schema] == []


def test_every_key_is_described() -> None:
    keys = [path for path in ALL if path.split("/")[-2:-1] == ["properties"]]
    assert len(keys) > 100
    bare = [path for path in keys if not (ALL[path].get("description") or "$ref" in ALL[path])]
    assert bare == []
    referred = {schema["$ref"] for schema in ALL.values() if "$ref" in schema}
    assert [path for path in referred if "description" not in ALL[path] and "$ref" not in ALL[path]] == []


def test_every_example_holds() -> None:
    """With the schema around it, so that references are found."""
    for path, schema in ALL.items():
        here = Draft7Validator(FOUND | {"type": ["object", "array", "string", "number", "boolean"], "$ref": path})
        for example in schema.get("examples", ()):
            assert list(here.iter_errors(example)) == [], path


def test_what_no_type_says_has_words() -> None:
    """Our problems and VS Code show `errorMessage`."""
    silent = [
        path for path, schema in ALL.items() if schema.keys() & {"pattern", "not"} and "errorMessage" not in schema
    ]
    inside_names = [path for path in silent if not path.endswith("propertyNames/not")]
    assert inside_names == []


def test_a_boolean_is_no_number_of_its_type() -> None:
    assert all(schema["type"] != [] for schema in ALL.values() if "type" in schema)
