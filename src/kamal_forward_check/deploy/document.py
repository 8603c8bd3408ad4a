"""YAML text -> a tree of Nodes that know their line and column, as Ruby's Psych reads it.

Psych is libyaml with rules of its own (psych 5, visitors/to_ruby.rb): only the first document counts, `<<`
is merged where it stands (what follows wins), the last of two equal keys wins, and aliases share a value.
The events come from libyaml as well, so that both stumble at the same character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kamal_forward_check.deploy import scalars
from kamal_forward_check.deploy.source import Source
from kamal_forward_check.model import Node, Problem, ProblemKind, Severity

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 100
MAX_NODES = 20_000
"""Counted with every use of an alias, so that a small file can't stand for a huge one."""

_STRING_TAG = re.compile(r"!(?:str|ruby/string)|!?binary|tag:yaml\.org,2002:(?:str|binary)")
_SYMBOL_TAG = re.compile(r"!ruby/sym(?:bol)?:?.*")
_FOREIGN_TAG = re.compile(
    r"!ruby/(?:object(?!:Hash$)|struct|data|exception|range|regexp|class|module|encoding|marshalable)"
)

_WITH_AN_END = (
    "while parsing a flow sequence", "while parsing a flow mapping", "while scanning a simple key",
    "while scanning a quoted scalar",
)  # fmt: skip


class _Refused(Exception):  # noqa: N818 - not an error of the program: the text is refused
    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.offset, self.hint = message, offset, hint


def read(source: Source) -> tuple[Node | None, list[Problem]]:
    """The root of the first document, and what is wrong with the text. No root where YAML gives no mapping.

    Never raises, whatever the text.
    """
    import yaml

    reader = _Reader(source)
    try:
        _refuse_at_once(source)
        root = reader.read()
    except _Refused as refused:
        problem = _syntax(source, refused.message, refused.offset, refused.hint)
    except yaml.MarkedYAMLError as error:
        problem = _syntax(source, *_in_plain_words(source, error, _fault(source.text, error)))
    except yaml.reader.ReaderError as error:
        position = source.text.find(error.character) if isinstance(error.character, str) else error.position
        problem = _syntax(source, "the file holds a control character, which YAML does not allow", max(position, 0))
    else:
        return root, reader.problems
    return None, [problem]


def _refuse_at_once(source: Source) -> None:
    if len(source.text) > MAX_BYTES:
        raise _Refused("the file is larger than 1 MB: no deploy.yml, and not read", 0)


def _syntax(source: Source, message: str, offset: int, hint: str = "") -> Problem:
    if source.has_stand_ins:
        return Problem(
            ProblemKind.OPAQUE,
            Severity.WARNING,
            f"can't be judged: a value that is not known here stands in the way ({message})",
            source.span(offset),
        )
    return Problem(ProblemKind.SYNTAX, Severity.ERROR, message, source.span(offset), hint=hint)


def _fault(text: str, error: yaml.MarkedYAMLError) -> int:
    """Where the fault is: where the parser stumbles, or where that began which it found no end of."""
    begun, stumbles = error.context_mark, error.problem_mark
    if begun is None or stumbles is None:
        mark = begun or stumbles
        return mark.index if mark else 0
    unended = error.context in _WITH_AN_END and _indent(text, stumbles.index) <= _indent(text, begun.index)
    return begun.index if begun.line < stumbles.line and unended else stumbles.index


def _indent(text: str, offset: int) -> int:
    line = text[text.rfind("\n", 0, offset) + 1 :].partition("\n")[0]
    return len(line) - len(line.lstrip(" "))


def _in_plain_words(source: Source, error: yaml.MarkedYAMLError, offset: int) -> tuple[str, int, str]:
    if source.text[offset : offset + 1] == "\t":
        return "a tab is used to indent", offset, "Indent with spaces: YAML takes no tabs there."
    context = f" {error.context}" if error.context else ""
    hint = "Check the indentation of this line and the one before it; a value with `: `, `#` or `%` wants quotes."
    return f"this is not YAML:{context} {error.problem}", offset, hint


class _Reader:
    """One walk over the parser's events. Depth and size are bounded on the way, before anything is built on them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        """By name: the value and its size; None while it is still being read."""
        self.size = 0
        self.events: Iterator[yaml.Event] = iter(())

    def read(self) -> Node | None:
        import yaml

        self.events = yaml.parse(self.source.text, Loader=getattr(yaml, "CLoader", yaml.Loader))
        if not any(isinstance(event, yaml.DocumentStartEvent) for event in self.events):
            raise _Refused(
                "the file is empty: Kamal stops at an empty file", 0, "Write `{}` if nothing is to be set here."
            )
        root = self._value(next(self.events), depth=0)
        if not isinstance(root.value, dict):
            raise _Refused("the file holds no mapping: Kamal wants `key: value` at the top", self._offset_of_text())
        # Kamal turns the top level's keys, and only those, into symbols: ":servers" is servers there.
        return replace(root, value={key.removeprefix(":"): node for key, node in root.value.items()})

    def _offset_of_text(self) -> int:
        return len(self.source.text) - len(self.source.text.lstrip())

    def _value(self, event: yaml.Event, depth: int) -> Node:
        import yaml

        self.size += 1
        if depth > MAX_DEPTH:
            raise _Refused(f"the file is nested more than {MAX_DEPTH} levels deep", _ends(event)[0])
        if isinstance(event, yaml.AliasEvent):
            node = self._alias(event)
        else:
            assert isinstance(event, yaml.NodeEvent)  # noqa: S101 - the parser's grammar, for the type checker
            before = self.size
            if event.anchor:
                self.anchors[event.anchor] = None
            node = self._built(event, depth)
            if event.anchor:
                self.anchors[event.anchor] = (node, self.size - before)
        if self.size > MAX_NODES:
            raise _Refused(f"the file holds more than {MAX_NODES} values", _ends(event)[0])
        return node

    def _alias(self, event: yaml.AliasEvent) -> Node:
        name = event.anchor or ""
        found = self.anchors.get(name)
        if found is None:
            why = "is used inside its own anchor" if name in self.anchors else "has no anchor before it"
            raise _Refused(f"the alias `*{name}` {why}", _ends(event)[0])
        node, size = found
        self.size += size
        return node

    def _built(self, event: yaml.NodeEvent, depth: int) -> Node:
        import yaml

        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        at = self.source.span(_ends(event)[0])
        if isinstance(event, yaml.SequenceStartEvent):
            return Node([self._value(inner, depth + 1) for inner in self._until(yaml.SequenceEndEvent)], at)
        assert isinstance(event, yaml.MappingStartEvent)  # noqa: S101 - as above
        node = self._mapping(event, depth)
        return replace(node, value=scalars.Foreign("a Ruby object")) if _FOREIGN_TAG.match(event.tag or "") else node

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        while not isinstance(event := next(self.events), end):
            yield event

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        text, tag, quoted = event.value, event.tag, event.implicit[1]
        at = self.source.span(*_ends(event))
        if unknown := self.source.unknown(text):
            return Node(self.source.shown(text), at, unknown=unknown)
        value: Any = text
        if tag and _SYMBOL_TAG.fullmatch(tag):
            value = scalars.Symbol(text)
        elif tag and _FOREIGN_TAG.match(tag):
            value = scalars.Foreign("a Ruby object")
        elif not quoted and not (tag and _STRING_TAG.fullmatch(tag)):
            value = scalars.plain(text)
        start, end = _ends(event)
        marks = int(event.style in ("'", '"'))
        return Node(value, at, variable=self.source.labelled(start + marks, end - marks))

    def _mapping(self, event: yaml.MappingStartEvent, depth: int) -> Node:
        import yaml

        values: dict[str, Node] = {}
        own: dict[str, Node] = {}
        unknown = ""
        for key_event in self._until(yaml.MappingEndEvent):
            key = self._value(key_event, depth + 1)
            value_event = next(self.events)
            value = self._value(value_event, depth + 1)
            name = _key_text(key)
            unknown = unknown or key.unknown
            if name == "<<" and (merged := _merged(value, alone=not isinstance(value_event, yaml.SequenceStartEvent))):
                values |= merged
                continue
            if name in own:
                self._twice(name, own[name], key)
            own[name] = key
            values[name] = replace(value, key=key.at, key_variable=key.variable)
        return Node(values, self.source.span(_ends(event)[0]), unknown=unknown)

    def _twice(self, name: str, first: Node, last: Node) -> None:
        """Both places, for either may be the one that someone looks at."""
        shown = last.variable or name
        for node, says in (
            (first, f"Kamal takes the one at line {last.at.line}"),
            (last, f"Kamal passes over the one at line {first.at.line}"),
        ):
            self.problems.append(
                Problem(
                    ProblemKind.WRONG_VALUE,
                    Severity.WARNING,
                    f"`{shown}` stands twice in this mapping, and {says}",
                    node.at,
                    hint=f"Remove `{shown}` at line {first.at.line} or {last.at.line}, or join the two.",
                )
            )


def _ends(event: yaml.Event) -> tuple[int, int]:
    """Where an event's text begins and ends."""
    assert event.start_mark and event.end_mark  # noqa: S101, PT018 - a parser sets both, for the type checker
    return event.start_mark.index, event.end_mark.index


def _key_text(key: Node) -> str:
    """A key as Ruby would print it. A symbol keeps its colon: for Kamal it is not the string of that name."""
    match key.value:
        case str() as text:
            return text
        case scalars.Symbol(name):
            return scalars.OddKey(f":{name}")
        case bool() | None as word:
            return scalars.OddKey({True: "true", False: "false", None: ""}[word])
        case int() | float() as number:
            return scalars.OddKey(number)
        case _:
            return scalars.OddKey("(a key that is no word)")


def _merged(value: Node, *, alone: bool) -> dict[str, Node] | None:
    """What `<<: value` brings in, or None where Psych takes `<<` as an ordinary key."""
    if isinstance(value.value, dict):
        return value.value
    if alone or not isinstance(value.value, list):
        return None
    merged: dict[str, Node] = {}
    for part in reversed(value.value):
        if not isinstance(part.value, dict):
            return None
        merged |= part.value
    return merged
