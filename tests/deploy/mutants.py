"""Mutants: the corpus with one thing changed in each, always the same ones.

A file of plain YAML is changed as a tree: at each place that the schema tells apart, once in each way. What a tree
would lose (ERB, anchors, tags, faults of the syntax) is changed line by line, and its ERB is left alone.

`tests/corpus/mutants.judged`, written by `bin/invoke dev.oracle`, says where Kamal found the first fault in each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from hashlib import blake2s
from typing import Any, NamedTuple

import yaml

from tests.deploy import shape
from tests.deploy.corpus import FOLDER, Case, cases

Item = yaml.Node | tuple[yaml.Node, yaml.Node]
"""What stands in a list or mapping: a value, or a key with its value."""

RECORD = FOLDER / "mutants.judged"
_ACCEPTED = "(accepted)"
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NO_TREE = re.compile(r"<%|[&*!]\w|<<:|\t|\ufeff|^---", re.MULTILINE)
_VALUES = {
    "null": "~", "true": "true", "false": "false", "number": "5", "negative": "-1", "decimal": "1.5", "word": "word",
    "digits": '"5"', "nothing": '""', "symbol": ":word", "date": "2020-01-01",
    "list": "[word]", "no-list": "[]", "mapping": "{word: word}", "no-mapping": "{}",
}  # fmt: skip
_SAMPLES = {"string": "word", "integer": "5", "boolean": "true", "array": "[word]", "object": "{word: word}"}
_STRANGE_KEYS = ("colour", "x-colour", ":colour", "5")


def digest(case: Case) -> str:
    """What tells a case's content from any other's."""
    return blake2s(repr((case.destination, sorted(case.files.items()))).encode(), digest_size=5).hexdigest()


class _Change(NamedTuple):
    """What is done and where; `like` is the same for changes that are tried once; `text` holds until the next."""

    what: str
    place: str
    like: str
    text: Callable[[], str]


def of(cases: Iterable[Case]) -> Iterator[Case]:
    """All mutants, each by a name that says what was changed: `SEED CHANGE PLACE`. No two have the same content."""
    seeds = list(cases)
    known = {digest(seed) for seed in seeds}
    tried: set[tuple[bool, str, str]] = set()
    for seed in seeds:
        for file, text in seed.files.items():
            tree = None if _NO_TREE.search(text) else _tree(text)
            is_base = file == "deploy.yml"
            for change in (_on_the_tree(tree) if tree else _on_the_lines(text)) if file.endswith(".yml") else ():
                if (is_base, change.what, change.like) in tried:
                    continue
                tried.add((is_base, change.what, change.like))
                name = f"{seed.name} {change.what} {change.place or '.'}{'' if is_base else f' in {file}'}"
                mutant = replace(seed, name=name, files={**seed.files, file: change.text()}, marks=frozenset())
                if digest(mutant) not in known:
                    known.add(digest(mutant))
                    yield mutant


@cache
def every() -> Mapping[str, Case]:
    """All mutants of the corpus, by their digests."""
    return {digest(mutant): mutant for mutant in of(cases())}


def _tree(text: str) -> yaml.Node | None:
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    return tree if isinstance(tree, yaml.MappingNode) and tree.value else None


def _on_the_tree(tree: yaml.Node) -> Iterator[_Change]:
    def text() -> str:
        return str(yaml.serialize(tree, Dumper=_DUMPER, allow_unicode=True, width=1000))

    for node, place, schema in list(_collections(tree, shape.ROOT, "")):
        items = list(node.value)
        for position, item in enumerate(items):
            step, _ = shape.inside(schema, _step(item, position))
            for change, instead in _edits(item):
                node.value = [*items[:position], *instead, *items[position + 1 :]]
                here = f"{place}/{step}".removeprefix("/")
                yield _Change(change, here, here, text)
        for change, more in _additions(node, schema):
            node.value = [*items, more]
            yield _Change(change, place, place, text)
        node.value = items


def _collections(
    node: yaml.Node, schema: Mapping[str, Any], place: str
) -> Iterator[tuple[yaml.CollectionNode, str, Mapping[str, Any]]]:
    if not isinstance(node, yaml.CollectionNode):
        return
    yield node, place, schema
    for position, item in enumerate(node.value):
        step, inner = shape.inside(schema, _step(item, position))
        yield from _collections(
            item[1] if isinstance(item, tuple) else item, inner, f"{place}/{step}".removeprefix("/")
        )


def _step(item: Item, position: int) -> str | int:
    return str(item[0].value).removeprefix(":") if isinstance(item, tuple) else position


def _edits(item: Item) -> Iterator[tuple[str, list[Item]]]:
    """What may stand in an item's place."""
    key, value = item if isinstance(item, tuple) else (None, item)

    def with_value(new: yaml.Node) -> Item:
        return (key, new) if key else new

    yield "drop", []
    for name, text in _VALUES.items():
        yield f"retype-{name}", [with_value(_value(text))]
    yield "nest-in-a-list", [with_value(_list(value))]
    yield "nest-in-a-mapping", [with_value(_mapping(value))]
    if key:
        yield "rename", [(_named(_misspelt(key.value)), value)]
        yield "rename-to-symbol", [(_named(f":{key.value}"), value)]
        yield "duplicate-null-last", [item, (key, _value("~"))]
        yield "duplicate-null-first", [(key, _value("~")), item]
    else:
        yield "duplicate", [item, item]


def _additions(node: yaml.CollectionNode, schema: Mapping[str, Any]) -> Iterator[tuple[str, Item]]:
    """What may stand there too."""
    if isinstance(node, yaml.MappingNode):
        present = {key.value for key, _ in node.value}
        for name in _STRANGE_KEYS:
            yield f"add-{name}", (_named(name), _value("word"))
        for name in schema.get("properties", {}):
            if name in present:
                continue
            _, inner = shape.inside(schema, name)
            types = inner.get("type", "string")
            yield f"add-{name}", (_named(name), _value(_SAMPLES[types if isinstance(types, str) else types[0]]))
    else:
        for name, text in _VALUES.items():
            yield f"add-{name}", _value(text)


def _value(text: str) -> Any:
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _named(name: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str" if not name.isdigit() else "tag:yaml.org,2002:int", name)


def _list(value: yaml.Node) -> yaml.Node:
    return yaml.SequenceNode("tag:yaml.org,2002:seq", [value], flow_style=True)


def _mapping(value: yaml.Node) -> yaml.Node:
    return yaml.MappingNode("tag:yaml.org,2002:map", [(_named("word"), value)], flow_style=True)


def _misspelt(name: str) -> str:
    return name[:-1] if name[-2:] == name[-1:] * 2 else name[:-2] + name[-1:] + name[-2:-1]


def _on_the_lines(text: str) -> Iterator[_Change]:
    lines = text.splitlines(keepends=True)
    if any(line.count("<%") != line.count("%>") for line in lines):
        return
    for number, line in enumerate(lines):
        if "<%" in line or not line.strip():
            continue
        key, colon, _ = line.partition(":")
        edits = {
            "drop": "", "duplicate": line + line, "nest": f"  {line}", "rename": f"{key}q{line[len(key):]}",
            "null": f"{key}:\n" if colon else line,
        }  # fmt: skip
        for change, instead in edits.items():
            changed = "".join((*lines[:number], instead, *lines[number + 1 :]))
            yield _Change(change, f"line-{number + 1}", line, partial(str, changed))


def recorded() -> dict[str, str]:
    """By digest: where Kamal put its first fault, as `oracle.place` writes it."""
    found: dict[str, str] = {}
    place = ""
    for line in RECORD.read_text(encoding="utf-8").splitlines() if RECORD.exists() else ():
        if line.startswith("  "):
            found |= dict.fromkeys(line.split(), place)
        else:
            place = "" if line == _ACCEPTED else line
    return found


def write(places: Mapping[str, str]) -> None:
    """Record them: each place once, with the digests below."""
    digests: dict[str, list[str]] = {}
    for digest, place in sorted(places.items()):
        digests.setdefault(place, []).append(digest)
    lines = [
        line
        for place, listed in sorted(digests.items())
        for line in (place or _ACCEPTED, *("  " + " ".join(row) for row in _rows(listed)))
    ]
    RECORD.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _rows(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(digests), 10):
        yield digests[first : first + 10]
