"""YAML as Psych reads it: held against the real one, with places, and with the refusals that are ours."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kamal_forward_check.deploy import document, scalars
from kamal_forward_check.deploy.source import Source
from kamal_forward_check.model import Node, Span
from tests.deploy.oracle import Kamal

SCALARS = """~|yes|no|Yes|on|OFF|y|n|null|NULL|~x|0222|0o17|0x1F|0b101|1_000|1,000|1,00,|1__0|_1|08|00|0|-0|+5|-017
1.5|1.|.5|.|-.|1e3|1.5e3|1.5e+3|1_0.5|1,0.5|.inf|-.inf|+.inf|.nan|1:30|1:30:30|1:30.5|22:22|1:99|190:20:30.15
2020-01-01|2020-1-1|2020-13-01|2020-02-31|2020-01-01 10:00:00|2020-01-01T10:00:00Z|:sym|:"two words"|:'q'|:|::x
10.0.0.1|1.2.3.4:22|localhost:5555|localhost:|-foo|+1a|1abc|a b|é|trUe|=|0777_7|"5"|'yes'|!!str 5|!str 5|!!int "5"
! 5|!foo 5|!ruby/sym abc|!ruby/regexp /x/|!!null x|!!bool yes|12e03|-1_2:30|1.5E3|0b|0x|+|-|0X1F|+0x1f""".replace(
    "\n", "|"
).split("|")

TEXTS = [
    *(f"key: {scalar}\n" for scalar in SCALARS),
    "a: &x {p: 1, q: 2}\nb:\n  q: 5\n  <<: *x\n  p: 3\n",
    "b: {<<: [{a: 1}, {a: 2, b: 3}], a: 9}\n",
    "a: 1\n<<: 5\n",
    "a: &x [1]\n<<: *x\n",
    ":c: 1\n:d:\n  :e: 5\n  ? f\n  : g\n",
    "1: 2\ntrue: 3\n~: 4\n",
    "a: |\n  x\n  y\nb: >\n  yes\nc: x\n  y\n",
    "a: 1\na: 2\n",
    "a: &a\nb: *a\n",
    "a: 1\r\nb: 2\r\n",
    "a: 1\rb: 2\r",
    "--- \na: 1\n--- \nb: [",
    "a: !!set {x, y}\n",
    "a: !ruby/object:Hash {x: 1}\n",
    "a: http://x:80/\n",
    "a: {b::c}\n",
    "a: *y\n",
    "a:\n\t- b\n",
    "a: 'x\n",
    "a: [1,,2]\n",
    "- a\n",
    "a\n",
    "# nothing\n",
]


def read(text: str) -> tuple[Node | None, list[str]]:
    root, problems = document.read(Source.plain("deploy.yml", text))
    return root, [problem.message for problem in problems]


def shape(node: Node) -> Any:
    match node.value:
        case dict() as mapping:
            return ["map", [[key, shape(value)] for key, value in mapping.items()]]
        case list() as elements:
            return ["list", [shape(element) for element in elements]]
        case None:
            return ["nil", ""]
        case bool() as truth:
            return [str(truth).lower(), ""]
        case int() | str() as plain:
            return [{int: "Integer", str: "String"}[type(plain)], str(plain)]
        case float() as number:
            return ["Float", {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(number), str(number))]
        case scalars.Symbol(name):
            return ["Symbol", name]
    return ["other", ""]


def as_ours(read: Any, *, top: bool = True) -> Any:
    """What Psych read, with its keys as text: a symbol keeps its colon, but for the top level's."""
    kind, value = read
    if kind == "map":
        words = {"true": "true", "false": "false", "nil": "", "Symbol": "" if top else ":"}
        keyed = {words.get(key[0], "") + key[1]: as_ours(inner, top=False) for key, inner in value}
        for (name, _), _ in value:
            if name in ("true", "false"):
                keyed[name] = keyed.pop(name)
        return [kind, [[key, inner] for key, inner in keyed.items()]]
    return [kind, [as_ours(inner, top=False) for inner in value]] if kind == "list" else read


def test_every_text_is_read_as_psych_reads_it(real_kamal: Kamal) -> None:
    for text, theirs in zip(TEXTS, real_kamal.read(TEXTS), strict=True):
        root, _ = read(text)
        if theirs[0] == "map":
            assert root is not None, text
            assert sorted(shape(root)[1]) == sorted(as_ours(theirs)[1]), text
        else:  # Kamal stops at all that is no mapping
            assert root is None, text


def test_values_and_keys_know_their_places() -> None:
    root, _ = read("ssh:\n  user: deploy\n  keys: [a, 'b c']\n  proxy:\n")
    assert root is not None
    user, key, proxy = root.get("ssh", "user"), root.get("ssh", "keys", 1), root.get("ssh", "proxy")
    assert user is not None
    assert user.at == Span("deploy.yml", 2, 9, 2, 15)
    assert user.key == Span("deploy.yml", 2, 3, 2, 7)
    assert key is not None
    assert key.at == Span("deploy.yml", 3, 13, 3, 18)
    assert proxy is not None
    assert proxy.at.line == 4


def test_a_line_is_what_an_editor_calls_a_line() -> None:
    """libyaml also counts U+2028 and U+0085 as line breaks."""
    root, _ = read("a: 'x\u2028y\x85z'\nb: 1\r\nc: 2\n")
    assert root is not None
    assert [str(node.at) for _, node in root.items()] == ["deploy.yml:1:4", "deploy.yml:2:4", "deploy.yml:3:4"]


def test_an_aliased_value_stands_where_it_was_written_and_its_key_where_it_is_used() -> None:
    root, _ = read("a: &x deploy\nb: *x\n")
    assert root is not None
    node = root.get("b")
    assert node is not None
    assert (node.at.line, node.key and node.key.line) == (1, 2)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a:\n\t- b\n", "deploy.yml:2:1", "a tab is used to indent"),
        ("a: \x01\n", "deploy.yml:1:4", "holds a control character"),
        ("a: &a [*a]\n", "deploy.yml:1:8", "inside its own anchor"),
        ("a: *b\n", "deploy.yml:1:4", "no anchor before it"),
        ("[" * 100_000, "deploy.yml:1:102", "nested more than 100 levels"),
        ("- " * 50_000, "deploy.yml:1:203", "nested more than 100 levels"),
        ("a" * 1_000_001, "deploy.yml:1:1", "larger than 1 MB"),
        ("# nothing\n", "deploy.yml:1:1", "is empty"),
        ("a: b: c\n", "deploy.yml:1:5", "is not YAML"),
    ],
)
def test_a_text_that_is_refused_has_one_problem_at_its_place(text: str, place: str, words: str) -> None:
    root, problems = document.read(Source.plain("deploy.yml", text))
    assert root is None
    (problem,) = problems
    assert str(problem.at) == place
    assert words in problem.message


def test_aliases_cannot_stand_for_more_than_is_allowed() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10 if n else ['x'] * 10)}]" for n in range(30)]
    begun = time.process_time()
    root, messages = read("\n".join(levels))
    assert root is None
    assert "more than 20000 values" in messages[0]
    assert time.process_time() - begun < 2


def test_a_key_that_stands_twice_is_said_at_both() -> None:
    root, messages = read("a: 1\nb: 2\na: 3\n")
    assert root is not None
    assert root.get("a", "x") is None
    assert [node.value for _, node in root.items()] == [3, 2]
    assert messages == [
        "`a` stands twice in this mapping, and Kamal takes the one at line 3",
        "`a` stands twice in this mapping, and Kamal passes over the one at line 1",
    ]


@pytest.mark.parametrize(
    "text", ["1" * 50_000, "0x" + "f" * 50_000, "1:" + "1:30", "1" * 50_000 + ":30", "-" + "1_" * 50_000 + "1"]
)
def test_a_number_of_any_length_is_a_number(text: str) -> None:
    root, messages = read(f"a: {text}\n")
    assert root is not None
    found = root.get("a")
    assert found is not None
    assert isinstance(found.value, (int, float))
    assert found.shown
    assert not messages
