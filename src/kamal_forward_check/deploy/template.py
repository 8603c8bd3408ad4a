"""ERB text cut into its pieces, and what in a tag can be told without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_OPENING = re.compile(r"<%%|^[ \t]*<%-|<%-|<%[=#]?", re.MULTILINE)
_TRIMMED_OPENING = re.compile(r"[ \t]*<%-")
_CLOSING = re.compile(r"%%>|-%>|%>")

_VARIABLE = re.compile(r"""(?<![\w:@$.])ENV\s*(?:\.fetch\s*\(?|\[)\s*(["'])(\w+)\1""")
_FETCH = re.compile(r"""ENV\s*\.fetch\s*\(?\s*(["'])(\w+)\1\s*\)?""")
_ENV = re.compile(r"(?<![\w:@$.])ENV(?=\s*[\[.])")

_STRING = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")
_EASILY_READ = re.compile(r"(?:[\w\s.,:|&!=<>+*(){}\[\]\"'-]|\?(?![^\w\s]))*")
_PAIR = re.compile(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}")

_BRANCH = re.compile(r"\s*(?:if|unless|while|until|for)\b|.*\bdo\s*(?:\|[^|]*\|)?\s*$", re.DOTALL)
_CASE = re.compile(r"\s*case\b")
_ELSIF = re.compile(r"\s*elsif\b")


class Kind(Enum):
    """What a piece does when the template is rendered."""

    TEXT = "text"
    OUTPUT = "output"
    CODE = "code"
    COMMENT = "comment"
    UNCLOSED = "unclosed"  # Ruby drops the `<%` and takes the rest of the file as text


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the file, from `start` to `end`, with its tags' own marks."""

    kind: Kind
    start: int
    end: int
    text: str

    @property
    def code(self) -> str:
        """What stands between the marks."""
        inner = self.text.strip().removeprefix("<%").lstrip("=#-")
        return re.sub(r"-?%>\Z", "", inner)

    @property
    def trims(self) -> bool:
        """Whether it has the marks that Kamal knows from 2.11 on: `<%-` and `-%>`."""
        tag = self.text.strip()
        return self.kind not in (Kind.TEXT, Kind.UNCLOSED) and (tag.startswith("<%-") or tag.endswith("-%>"))

    @property
    def variables(self) -> frozenset[str]:
        """The environment variables that it names."""
        return frozenset(found[2] for found in _VARIABLE.finditer(self.text))

    @property
    def fetched(self) -> str:
        """The variable that it prints, and can't do without: `<%= ENV.fetch("NAME") %>`; empty for any other tag."""
        found = _FETCH.fullmatch(self.code.strip()) if self.kind is Kind.OUTPUT else None
        return found[2] if found else ""

    @property
    def names_something(self) -> bool:
        """Whether its code has a name in it, and so more than a literal."""
        return bool(re.search(r"[A-Za-z_]", _STRING.sub("", self.code)))

    @property
    def is_broken(self) -> bool:
        """Whether no Ruby could read it: brackets that do not pair, in code plain enough to count them."""
        bare = _STRING.sub("", self.code)
        if self.kind is not Kind.OUTPUT or not _EASILY_READ.fullmatch(bare):
            return False
        while (shorter := _PAIR.sub("", bare)) != bare:
            bare = shorter
        return bool(re.search(r"[()\[\]{}\"']", bare))

    def renamed(self, name: str, *, drop_presence: bool) -> str:
        """The text with `ENV` under another name of the same width, and `.presence` blanked out if need be."""
        text = _ENV.sub(name, self.text)
        return re.sub(r"\.presence\b", " " * len(".presence"), text) if drop_presence else text

    @property
    def neutral(self) -> str:
        """A tag that keeps the template's blocks in order where this one's code can't be run."""
        for pattern, instead in ((_ELSIF, "<% elsif false %>"), (_CASE, "<% case nil %>"), (_BRANCH, "<% if true %>")):
            if pattern.match(self.code):
                return instead
        return ""


def parts(text: str) -> Iterator[Part]:
    """`text` as ERB's own scanner cuts it with trim mode "-" (a tag takes what it trims with it)."""
    position = begun = 0
    while opening := _TRIMMED_OPENING.match(text, position) or _OPENING.search(text, position):
        if opening[0] == "<%%":
            position = opening.end()
            yield Part(Kind.TEXT, begun, position, text[begun:position])
            begun = position
            continue
        if begun < opening.start():
            yield Part(Kind.TEXT, begun, opening.start(), text[begun : opening.start()])
        end = _end_of_tag(text, opening.end())
        if end is None:
            yield Part(Kind.UNCLOSED, opening.end(), len(text), text[opening.end() :])
            return
        kind = {"=": Kind.OUTPUT, "#": Kind.COMMENT}.get(opening[0][-1], Kind.CODE)
        yield Part(kind, opening.start(), end, text[opening.start() : end])
        position = begun = end
    if begun < len(text):
        yield Part(Kind.TEXT, begun, len(text), text[begun:])


def _end_of_tag(text: str, position: int) -> int | None:
    while (closing := _CLOSING.search(text, position)) and closing[0] == "%%>":
        position = closing.end()
    if closing is None:
        return None
    newline = re.compile(r"\r?\n").match(text, closing.end()) if closing[0] == "-%>" else None
    return newline.end() if newline else closing.end()
