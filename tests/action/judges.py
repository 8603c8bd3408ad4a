"""What judges the exits: how GitHub reads Markdown, what a terminal would obey, what a shell hands on."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import cmarkgfm
from cmarkgfm.cmark import Options

_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
_REFERENCES = re.compile(r"@[A-Za-z0-9]|#[0-9]|\bGH-[0-9]|:(?:100|1234|[\w+-]*[A-Za-z+-][\w+-]*):", re.IGNORECASE)
"""What GitHub makes more of where it stands in one piece in a text: mentions, references, emoji."""

_QUOTED = re.compile(r'"([^"]*)"')
_LABEL = re.compile(r"(?:<br/>|#[0-9]+;|[^<>\"`%#;{}\[\]\\&\n])*")

_PAINT = re.compile(r"\x1b\[(?:1;31|32|33|2|1|0)m")
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

_STUBS = """\
change() { "$1"; }
stop() { printf 'stop\\0'; }
say() { :; }
for word in here replace options first daemon; do eval "$word() { printf '%s\\\\0' $word \\"\\$@\\"; }"; done
"""


class Page(HTMLParser):
    """What GitHub's own Markdown parser makes of a text: every element with its attributes, and the texts between."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.prose: list[str] = []
        self.charts: list[str] = []
        self._inside: list[tuple[str, Mapping[str, str | None]]] = []
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, options=_OPTIONS))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))
        self._inside.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop()[0] != tag:
            pass

    def handle_decl(self, decl: str) -> None:
        self.elements.append(("!", ((decl, None),)))

    def handle_pi(self, data: str) -> None:
        self.elements.append(("?", ((data, None),)))

    def unknown_decl(self, data: str) -> None:
        self.handle_decl(data)

    def handle_data(self, data: str) -> None:
        tags = dict(self._inside)
        if tags.get("pre", {}).get("lang") == "mermaid":
            self.charts.append(data)
        elif "code" not in tags:
            self.prose.append(data)

    @property
    def references(self) -> list[str]:
        """Texts of which GitHub makes a mention, a reference or an emoji."""
        return [text for text in self.prose if _REFERENCES.search(text)]


def skeleton(chart: str) -> list[str]:
    """A flowchart without its labels, of which none may be more than one."""
    assert [label for label in _QUOTED.findall(chart) if not _LABEL.fullmatch(label)] == []
    return _QUOTED.sub('""', chart).splitlines()


def obeyed(text: str) -> set[str]:
    """The characters that a terminal obeys, or shows nothing for, besides our own colours and line ends."""
    chars = set(_PAINT.sub("", text)) - {"\n"}
    return {char for char in chars if unicodedata.category(char) in _OBEYED or _UNSEEN.match(char)}


def words_of(scripts: Sequence[str], folder: Path) -> Iterator[list[str]]:
    """What a shell hands on for each script to the functions that every script ends with, which change nothing here."""
    shared = (files("kamal_forward_check.report") / "fix.sh").read_text(encoding="utf-8").rstrip("\n")
    for number, made in enumerate(scripts):
        (folder / f"{number}.sh").write_text(made.replace(shared, _STUBS), encoding="utf-8")
    each = f'for n in $(seq 0 {len(scripts) - 1}); do (. "./$n.sh") 2>>errors; printf "end $?\\0\\0"; done'
    run = subprocess.run(["dash", "-c", each], cwd=folder, capture_output=True, check=True)
    errors = (folder / "errors").read_text(encoding="utf-8") if scripts else ""
    assert set(errors.splitlines()) <= {"There is nothing here for a script to change: read it."}
    for words in run.stdout.decode("utf-8", "surrogateescape").split("\0\0")[:-1]:
        yield words.split("\0")


def strings(value: Any) -> Iterator[str]:
    """Every text in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inside in value:
            yield from strings(inside)
    elif isinstance(value, dict):
        yield from strings([*value, *value.values()])
