"""The schema's errors as Problems in plain words, each at the value or key that it is about.

The schema closes what Kamal closes and leaves open what Kamal leaves open; it requires nothing, because a
file may be half of a pair. `x-kamal-since` and `x-kamal-until` mark keys that not every Kamal 2 knows;
`x-kamal-before` lists the values that older ones let pass all the same. `errorMessage` is what editors show too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from kamal_forward_check.deploy import kamal_1, known
from kamal_forward_check.deploy.kamal_version import described, is_certain, is_older
from kamal_forward_check.deploy.scalars import Foreign, Symbol
from kamal_forward_check.model import KamalVersion, Node, Problem, ProblemKind, Severity, Span

_NAMES = {
    "object": "a mapping", "array": "a list", "string": "a string", "integer": "a whole number",
    "boolean": "true or false",
}  # fmt: skip
_OF_VERSIONS = {"x-kamal-since", "x-kamal-until"}
_ANY_SCALAR = {"string", "number", "boolean"}  # Kamal takes each of them for a string


def judge(root: Node, kamal: KamalVersion) -> list[Problem]:
    """What the schema says of the tree."""
    faults = list(_faults(_plain(root), kamal))
    of_other_versions = {fault.path for fault in faults if fault.keyword in _OF_VERSIONS}
    words = _Words(root, kamal)
    problems = [
        problem
        for fault in faults
        if fault.keyword in _OF_VERSIONS or not fault.is_below(of_other_versions)
        for problem in words.of(fault)
    ]
    # One problem about Kamal 1 says it all, and the same fault seen by two keywords is one fault.
    leftovers = [problem for problem in problems if problem.kind is ProblemKind.KAMAL_1]
    others = [problem for problem in problems if problem.kind is not ProblemKind.KAMAL_1]
    return list(dict.fromkeys([*kamal_1.joined(leftovers), *others]))


@dataclass(frozen=True, slots=True)
class _Fault:
    """A keyword of the schema that the value at `path` fails: `limit` is what the keyword says."""

    keyword: str
    path: tuple[str | int, ...]
    limit: Any
    schema: Mapping[str, Any]
    of_key: bool
    """The fault is in the key, which ends `path`."""

    def is_below(self, paths: set[tuple[str | int, ...]]) -> bool:
        return any(self.path[:length] in paths for length in range(len(self.path) + 1))


class _Opaque:
    """A value that is not known. It is of no type, so that every keyword passes it by."""


class _Foreign:
    """A value of a Ruby class that no keyword allows."""


def _plain(node: Node) -> Any:
    if node.unknown:
        return _Opaque()
    match node.value:
        case dict() as mapping:
            return {key: _plain(value) for key, value in mapping.items()}
        case list() as elements:
            return [_plain(element) for element in elements]
        case Symbol(name):
            return name
        case Foreign():
            return _Foreign()
        case value:
            return value


def _faults(instance: Any, kamal: KamalVersion) -> Iterator[_Fault]:
    for error in _validator(kamal).iter_errors(instance):
        of_key = "propertyNames" in error.absolute_schema_path
        path = (*error.absolute_path, error.instance) if of_key else tuple(error.absolute_path)
        yield _Fault(error.validator, path, error.validator_value, error.schema, of_key)


@cache
def _validator(kamal: KamalVersion) -> Any:
    """The schema's validator, with our keywords. Kept, as several files are judged in one run."""
    from jsonschema import Draft7Validator, ValidationError, validators

    def unless_opaque(keyword: str) -> Callable[..., Iterator[ValidationError]]:
        def check(validator: Any, limit: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            if not isinstance(instance, _Opaque):
                yield from Draft7Validator.VALIDATORS[keyword](validator, limit, instance, schema) or ()

        return check

    def since(_validator: Any, version: str, _instance: Any, _schema: Any) -> Iterator[ValidationError]:
        if is_older(kamal.version, version):
            yield ValidationError(version)

    def until(_validator: Any, version: str, _instance: Any, _schema: Any) -> Iterator[ValidationError]:
        if is_older(version, kamal.version):
            yield ValidationError(version)

    # Ruby's Integer has no 1.0.
    types = Draft7Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    keywords: dict[str, Any] = {name: unless_opaque(name) for name in ("type", "enum")}
    keywords |= {"x-kamal-since": since, "x-kamal-until": until}
    extended: Any = validators.extend(Draft7Validator, keywords, type_checker=types)  # type: ignore[no-untyped-call]
    return extended(known.whole())


class _Words:
    """Faults in the words of a person who wrote the file, in the root of which they are looked up."""

    def __init__(self, root: Node, kamal: KamalVersion) -> None:
        self.root, self.kamal = root, kamal

    def of(self, fault: _Fault) -> Iterator[Problem]:
        """The problems that one fault stands for: a mapping may have several unknown keys."""
        path = fault.path
        node = self.root.get(*path)
        assert node is not None  # noqa: S101 - the instance was made from the root
        match fault.keyword:
            case "additionalProperties":
                keys = fault.schema["properties"]
                for key, value in node.items():
                    if key not in keys and not (not path and key.startswith("x-")):
                        yield self._unknown_key((*path, key), value, keys)
            case "x-kamal-since" | "x-kamal-until":
                if not any(node.value is value for value in fault.schema.get("x-kamal-before", ())):
                    yield self._wrong_version(node, fault)
            case "type":
                yield self._wrong_type(node, fault)
            case _:
                yield self._wrong_value(node, fault)

    def _unknown_key(self, path: tuple[str | int, ...], node: Node, keys: Mapping[str, Any]) -> Problem:
        key = str(path[-1])
        if leftover := kamal_1.leftover(path, node):
            return leftover
        from difflib import get_close_matches

        near = get_close_matches(key.lstrip(":").lower().replace("-", "_"), keys, n=1, cutoff=0.75)
        where = f" below `{self._name(path[:-1])}`" if path[:-1] else ""
        certain = bool(near) or is_certain(self.kamal)
        guess = f": did you mean `{near[0]}`?" if near else ""
        return Problem(
            ProblemKind.UNKNOWN_KEY,
            Severity.ERROR if certain else Severity.WARNING,
            f"Kamal knows no key `{node.key_variable or key}`{where}{guess}",
            node.key or node.at,
            self._name(path),
            known.instead(key, near),
        )

    def _wrong_version(self, node: Node, fault: _Fault) -> Problem:
        path, version = fault.path, fault.limit
        needs = "or newer" if fault.keyword == "x-kamal-since" else "or older"
        return Problem(
            ProblemKind.TOO_NEW if fault.keyword == "x-kamal-since" else ProblemKind.UNKNOWN_KEY,
            Severity.ERROR,
            f"`{self._name(path)}` needs Kamal {version.removesuffix('.0')} {needs}; {described(self.kamal)}",
            node.key or node.at,
            self._name(path),
            "Update Kamal, or remove the key." if fault.keyword == "x-kamal-since" else "Remove the key.",
        )

    def _wrong_type(self, node: Node, fault: _Fault) -> Problem:
        path, types = fault.path, fault.limit
        if leftover := kamal_1.builder(path, node):
            return leftover
        wanted = _one_of([types] if isinstance(types, str) else types)
        if fault.schema.get("not") == {"const": True}:
            wanted = wanted.replace(_NAMES["boolean"], "false")
        quotes = types == "string" and isinstance(node.value, (int, float))
        return Problem(
            ProblemKind.WRONG_TYPE,
            Severity.ERROR,
            f"`{self._name(path)}` should be {wanted}, and {_described(node)}",
            _place(node),
            self._name(path),
            *(("Put it in quotes.",) if quotes else known.example(self._shown(path), fault.schema)),
        )

    def _wrong_value(self, node: Node, fault: _Fault) -> Problem:
        says = fault.schema.get("errorMessage")
        match fault.keyword:
            case "minProperties" | "maxProperties":
                says = f"should name one server, and names {len(node.value)}"
            case "minimum":
                says = f"should be at least {fault.limit}"
            case "enum" if not says:
                says = f"should be {_joined([f'`{choice}`' for choice in fault.limit], 'or')}"
        name = self._name(fault.path)
        at = (node.key or node.at) if fault.of_key else _place(node)
        example = () if fault.of_key else known.example(self._shown(fault.path), fault.schema)
        return Problem(ProblemKind.WRONG_VALUE, Severity.ERROR, f"`{name}` {says}", at, name, *example)

    def _name(self, path: tuple[str | int, ...]) -> str:
        return "/".join(map(str, self._shown(path)))

    def _shown(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """The path as Kamal has it, but for keys that came out of variables."""
        names, node = [], self.root
        for step in path:
            node = node.get(step) or node
            names.append(node.key_variable or step)
        return tuple(names)


def _place(node: Node) -> Span:
    """Where a value that is wrong is shown: a scalar itself, a mapping or list by the key that it belongs to."""
    return node.at if not isinstance(node.value, (dict, list)) and node.value is not None else node.key or node.at


def _one_of(types: list[str]) -> str:
    names = [_NAMES[name] for name in types if name in _NAMES]
    if set(types) >= _ANY_SCALAR:
        names.remove(_NAMES["boolean"])
    return _joined(names, "or")


def _joined(words: list[str], last: str) -> str:
    return " ".join([", ".join(words[:-1]), last, words[-1]]) if len(words) > 1 else words[0]


def _described(node: Node) -> str:
    match node.value:
        case None:
            return "is empty"
        case Foreign(kind):
            return f"is {kind}"
        case bool() as word:
            return "is true" if word else "is false"
        case int():
            return "is a number"
        case float():
            return "is a decimal number"
        case dict():
            return "is a mapping"
        case list():
            return "is a list"
        case _:
            return "is a string"
