"""The schema itself: what editors and the words of our problems rely on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from kamal_forward_check.deploy.kamal_version import NEWEST_KNOWN
from kamal_forward_check.deploy.known import SCHEMA
from kamal_forward_check.deploy.scalars import Symbol
from kamal_forward_check.deploy.schema import judge
from kamal_forward_check.model import Node, Severity
from tests.deploy.corpus import Case, cases

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


def test_every_key_has_an_example() -> None:
    """Our problems show it, and editors do."""
    keys = [path for path in ALL if path.split("/")[-2:-1] == ["properties"]]
    bare = [
        path for path in keys if not (ALL[path].get("examples") or "$ref" in ALL[path] or ALL[path].get("not") == {})
    ]
    assert bare == []
    assert [
        name for name, schema in FOUND["definitions"].items() if name != "env_sections" and not schema["examples"]
    ] == []


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


DRAFT_7 = {
    "$ref", "$schema", "additionalProperties", "const", "definitions", "dependencies", "description", "enum",
    "examples", "items", "maxProperties", "minProperties", "minimum", "not", "pattern", "patternProperties",
    "properties", "propertyNames", "title", "type",
}  # fmt: skip
OURS = {"errorMessage", "x-kamal-since", "x-kamal-until", "x-kamal-before"}
"""Not of draft 7, and passed over: VS Code shows the first."""


class TestEditors:
    """What a YAML language server makes of the schema: draft 7, YAML's own types, none of our keywords."""

    def test_keywords(self) -> None:
        assert {keyword for schema in ALL.values() for keyword in schema} <= DRAFT_7 | OURS

    def test_patterns_are_javascript_s_too(self) -> None:
        """No syntax that only Python has."""
        patterns = [schema["pattern"] for schema in ALL.values() if "pattern" in schema]
        assert patterns
        assert [pattern for pattern in patterns if re.search(r"\(\?|\\[AZ]|\+\+", pattern)] == []

    @pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
    def test_the_verdict_is_ours_but_for_what_no_schema_can_say(self, case: Case, tmp_path: Path) -> None:
        case.write(tmp_path)
        config = case.load(tmp_path, NEWEST_KNOWN)
        if config.root is None or is_unknown(config.root):
            return
        ours = [problem for problem in judge(config.root, config.kamal) if problem.severity is Severity.ERROR]
        theirs = list(Draft7Validator(FOUND).iter_errors(plain(config.root)))
        assert bool(ours) == bool(theirs), (ours, theirs)


def plain(node: Node) -> Any:
    """The value as any other program has it: a symbol is its text, and what only Ruby has is no type of JSON's."""
    if isinstance(node.value, dict):
        return {key: plain(inner) for key, inner in node.items()}
    if isinstance(node.value, list):
        return [plain(inner) for inner in node.elements()]
    return str(node.value) if isinstance(node.value, Symbol) else node.value


def is_unknown(node: Node) -> bool:
    inner = [*(value for _, value in node.items()), *node.elements()]
    return bool(node.unknown) or any(map(is_unknown, inner))
