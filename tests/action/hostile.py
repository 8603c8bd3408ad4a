"""Hostile texts from a grammar, and models of any type that are full of them."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from itertools import count
from random import Random
from typing import Any, TypeVar, Union

from kamal_forward_check.model import Change, Daemon, Finding, Route, Trace
from tests.action.runner import COMMANDS, WHITE_SPACE

T = TypeVar("T")

CANARY = "kfc-was-here"
"""A file that a command would make, had any of the texts been taken for one by a shell."""

_NAMES = (*sorted(COMMANDS), "Error", "nothing")
_PROPERTIES = ("", " ", " file=a,line=1", " name=verdict", " name=verdict;x=y", " =,=", "\u00a0title=x")
_ENDS = ("\n", "\r", "\r\n", "\x85", "\u2028", "\u2029", "\v", "\f", "\x1c", "\x1e")
_HIDDEN = (
    *("\x00", "\x07", "\x08", "\x1b", "\x1b[2J", "\x1b[1A", "\x1b]0;x\x07", "\x1b]8;;http://e.example\x1b\\", "\x7f"),
    *("\x80", "\x84", "\x90", "\x9b31m", "\x9d", "\u00ad", "\u034f", "\u061c", "\u115f", "\u180e", "\u200b", "\u200d"),
    *("\u200e", "\u202a", "\u202e", "\u2060", "\u2066", "\u2069", "\u3164", "\ufe0f", "\ufeff", "\ufff9", "\uffff"),
    *("\ue000", "\U000e0001", "\U000e0041", "\U000e0100", "\U000f0000", "\U0001f600", "\u0301"),
)
_HALVES = ("\ud800", "\udbff", "\udc00", "\udc80", "\udcff", "\udfff")
_MARKDOWN = (
    *("[a](http://e.example)", "![a](http://e.example/x.png)", "[a]: http://e.example", "[a][a]", "[^1]", "[^1]: note"),
    *(
        "<http://e.example>",
        "http://e.example/",
        "https://e.example",
        "ftp://e.example",
        "www.e.example",
        "a@b.example",
    ),
    *("mailto:a@b.example", "xmpp:a@b.example/c", "@octo", "@octo/team", "#123", "octo/shop#1", "GH-1", ":tada:"),
    *("`", "``", "```", "````", "~~~", "```mermaid", "*", "**", "_", "__", "~~", "~", "\\", "$x$", "$$", "$`x`$"),
    *("# ", "## ", "- ", "* ", "+ ", "1. ", "1) ", "> ", "    ", "\t", "---", "***", "===", "- [ ] ", "> [!NOTE]"),
    *("|", "\\|", "| a | b |", "|---|---|", ":-:", "<b>", "</b>", "<img src=x onerror=y>", "<script>", "</details>"),
    *("<details open>", "</summary>", "<!--", "-->", "<![CDATA[", "]]>", "<?x", "?>", "<!X>", "</pre>", "</code>"),
    *("&lt;", "&#60;", "&#x3c;", "&NewLine;", "&amp;lt;", "&nbsp;", "<a href=javascript:x>", "<br>", "<table>"),
)
_MERMAID = (
    *('"]', '"])', '"', "#quot;", "#35;", "#", ";", "end", "subgraph x", "click hop1 href", "%%{init: {}}%%", "%% x"),
    *("hop1 --> hop2", "-->", ":::fail", "classDef fail fill:#fff", "style hop1 fill:#f00;", "linkStyle 0", "---\n"),
    *("<br/>", '"`x`"', "flowchart TD", "direction RL", "@{ shape: x }", "here", "rest", "accTitle: x", "{", "}"),
)
_RUNNER_FILES = (
    "verdict=pass",
    "verdict<<E",
    "<<",
    "kfc_",
    "E",
    "ghadelimiter_",
    "_GitHubActionsFileCommandDelimeter_",
)
_SARIF = ("[a](b)", "[a](1)", "[a\\](b)", "](", "{0}", "{{0}}", "{1}{0}", "{", "}", "%SRCROOT%", "../", "//e.example/")
_SHELL = (
    *(f"$(touch {CANARY})", f"`touch {CANARY}`", f"; touch {CANARY};", f"'; touch {CANARY}; '", f"\ntouch {CANARY}\n"),
    *(
        f"| touch {CANARY}",
        f"&& touch {CANARY}",
        '"',
        "'",
        "\\",
        "\\\n",
        "${IFS}",
        "$@",
        "#",
        " #",
        "-n",
        "--",
        "*",
        "?",
    ),
    *("~", "!", "%s", "%b", "%n", "\\033[2J", "\\c", "}", ") ", ";;", "EOF", "<<EOF", "(", "{", "=", "a=b", "[", "]"),
)
_RUBY_AND_YAML = ("<%= x %>", "<%", "%>", "${{ secrets.X }}", "${{", ": ", "- ", "&a", "*a", "!x", "|", ">", "%YAML")
_PLAIN = ("a", "no", "yes", "sshd", "10.0.0.1", "/etc/ssh/sshd_config", "x y", " ", ".", ":", ",", "-", "0", "é", "中")
_LONGEST = 70_000


def texts(seed: int) -> Iterator[str]:
    """Hostile texts without end, no two of them alike: of the same seed always the same."""
    random, before = Random(seed), set[str]()  # noqa: S311 - to be the same again is what is wanted
    kinds = (_command, _old_command, _pieces, _pieces, _pieces, _broken)
    for number in count():
        text = random.choice(kinds)(random)
        if number % 997 == 0:
            text *= _LONGEST // max(len(text), 1)
        if number % 10 == 0:
            text = "".join(random.sample(text, len(text)))
        text = f"x{text}" if text.startswith("/") else text  # the Maker says what is a path from the root
        while text in before or not text.strip():
            text += random.choice(_PLAIN)
        before.add(text)
        yield text


def _command(random: Random) -> str:
    blanks = "".join(random.choices(WHITE_SPACE, k=random.randrange(3)))
    before = random.choice(("", "", "a", *_ENDS)) + blanks + random.choice(("", "", "", *_HIDDEN))
    return f"{before}::{random.choice(_NAMES)}{random.choice(_PROPERTIES)}::{_pieces(random, 2)}"


def _old_command(random: Random) -> str:
    return f"{_pieces(random, 2)}##[{random.choice(_NAMES)}{random.choice(_PROPERTIES)}]{_pieces(random, 2)}"


def _pieces(random: Random, most: int = 6) -> str:
    return "".join(random.choice(random.choice(_ALL)) for _ in range(random.randint(1, most)))


def _broken(random: Random) -> str:
    """A command in pieces, which something that is left out, or joined, would make whole."""
    text = random.choice(
        (f"::{random.choice(_NAMES)}::x", f"##[{random.choice(_NAMES)}]x", "```", "www.e.example", "@octo")
    )
    at = random.randrange(1, len(text))
    return text[:at] + random.choice(random.choice((_HIDDEN, _ENDS, _HALVES, ("\\", " ", "%")))) + text[at:]


_ALL = (
    tuple(f"::{name}::" for name in _NAMES), tuple(f"##[{name}]" for name in _NAMES), ("::", "##[", "##", "#", "["),
    ("%0A", "%0D", "%25", "%3A", "%2C", "%5D", "%", "\\n", "\\u000a"), tuple(WHITE_SPACE), _ENDS, _HIDDEN, _HALVES,
    _MARKDOWN, _MARKDOWN, _MERMAID, _RUNNER_FILES, _SARIF, _SHELL, _RUBY_AND_YAML, _PLAIN, _PLAIN,
)  # fmt: skip


_MOST_IN_ALL = 2


class Maker:
    """Makes a value of any type of the model, every text in it being the next of `texts`.

    Types are read from the model itself: no field can be forgotten. What is no text is drawn from `random`.
    """

    def __init__(self, texts: Iterator[str], random: Random) -> None:
        self.texts, self.random = texts, random

    def make(self, kind: type[T]) -> T:
        """A value of this type."""
        made: T = _recipe(typing.cast("Any", kind))(self)
        return made

    def file(self) -> str:
        """A file on a host, or a server's option, which stands in none."""
        return f"{self.random.choice(('/etc/', ''))}{next(self.texts)}"

    def code(self) -> str:
        """A finding's code, which no one but us writes."""
        return f"KF{self.random.randint(100, 999)}"


Recipe = Callable[[Maker], Any]

_PLAIN_RECIPES: dict[type, Recipe] = {
    types.NoneType: lambda _: None,
    str: lambda maker: next(maker.texts),
    bool: lambda maker: maker.random.random() < 0.5,
    int: lambda maker: maker.random.randint(1, 9999),
    float: lambda maker: maker.random.uniform(0, 5000),
}
_AT_LEAST_ONE = {(Trace, "hops"), (Route, "hops"), (Daemon, "command")}


@cache
def _recipe(kind: Any, given: tuple[tuple[Any, Any], ...] = (), *, least: int = 0) -> Recipe:
    """How a value of `kind` is made; `given` says what its type variables stand for."""
    kind = dict(given).get(kind, kind)
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(origin):
        return _dataclass(origin, tuple(zip(_parameters(origin), inside, strict=True)))
    if origin:
        return _of_several(origin, [_recipe(each, given) for each in inside if each is not Ellipsis], inside, least)
    if issubclass(kind, Enum):
        members = list(kind)
        return lambda maker: maker.random.choice(members)
    return _PLAIN_RECIPES[kind] if kind in _PLAIN_RECIPES else _dataclass(kind, ())


def _parameters(kind: Any) -> tuple[Any, ...]:
    found: tuple[Any, ...] = kind.__parameters__
    return found


def _of_several(origin: Any, parts: list[Recipe], inside: tuple[Any, ...], least: int) -> Recipe:
    if origin in (Union, types.UnionType):
        return lambda maker: maker.random.choice(parts)(maker)
    if origin is tuple and Ellipsis not in inside:
        return lambda maker: tuple(part(maker) for part in parts)
    if origin in (tuple, frozenset):
        return lambda maker: origin(parts[0](maker) for _ in range(maker.random.randint(least, _MOST_IN_ALL)))
    assert issubclass(origin, Mapping)
    return lambda maker: {parts[0](maker): parts[1](maker) for _ in range(maker.random.randint(0, _MOST_IN_ALL))}


def _dataclass(kind: Any, given: tuple[tuple[Any, Any], ...]) -> Recipe:
    hints = typing.get_type_hints(kind)
    parts = {
        each.name: _recipe(hints[each.name], given, least=int((kind, each.name) in _AT_LEAST_ONE))
        for each in fields(kind)
    }
    if kind is Finding:
        parts["code"] = Maker.code
    if kind is Change:
        parts["file"] = Maker.file
    return lambda maker: kind(**{name: part(maker) for name, part in parts.items()})
