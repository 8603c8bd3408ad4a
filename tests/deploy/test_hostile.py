"""Whatever the text: no exception but our own, an end, and places that lie inside the file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kamal_forward_check import deploy
from kamal_forward_check.deploy.scalars import OddKey
from kamal_forward_check.deploy.template import Kind, parts
from kamal_forward_check.model import DeployConfig, Node, Span
from kamal_forward_check.system import System
from tests.deploy.corpus import Case, cases

WORDS = st.sampled_from([
    "servers", "ssh", "proxy", "registry", "localhost:5555", "builder", "arch", "user", "env", "clear", "tags", "hosts",
    ":", ": ", "- ", "[", "]", "{", "}", ",", "\n", "\n  ", "\t", "\r\n", "|\n", "#", "'", '"', "---", "...",
    "&a", "*a", "<<: *a", "~", "yes", "0222", "1:30", "2020-01-01", "!!str ", "!ruby/object:X",
    "<%", "<%=", "<%-", "%>", "-%>", "<%%", "%%>", " ENV['A'] ", " if true ", " end ", " x.each do |y| ", "`x`",
    "\u2028", "\U000f0000", "\ufeff", "é", "\0",
])  # fmt: skip
CORPUS = list(cases())
ALWAYS_THE_SAME = settings(deadline=None, derandomize=True, database=None)


def load(data: bytes, over: bytes | None = None) -> DeployConfig:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "deploy.yml").write_bytes(data)
        if over is not None:
            (folder / "deploy.x.yml").write_bytes(over)
        system = System(environ={"A": "b"}, cwd=folder, home=folder)
        return deploy.load(system, "deploy.yml", None if over is None else "x", "2.12.0")


def spans(node: Node) -> list[Span]:
    inner = [*(value for _, value in node.items()), *node.elements()]
    return [node.at, *([node.key] if node.key else []), *(span for each in inner for span in spans(each))]


def assert_inside(span: Span, text: str) -> None:
    lines = text.split("\n")
    assert 1 <= span.line <= len(lines)
    assert 1 <= span.column <= len(lines[span.line - 1]) + 1
    if span.end_column:
        assert (span.line, span.column) < (span.end_line, span.end_column)
        assert span.end_line <= len(lines)
        assert span.end_column <= len(lines[span.end_line - 1]) + 2  # a line break belongs to its line


@settings(ALWAYS_THE_SAME, max_examples=300)
@given(st.lists(WORDS, max_size=40).map("".join))
def test_any_words(text: str) -> None:
    config = load(text.encode())
    seen = text.removeprefix("\ufeff")
    for problem in config.problems:
        assert_inside(problem.at, seen)
    for span in spans(config.root) if config.root else ():
        assert_inside(span, seen)


@settings(ALWAYS_THE_SAME)
@given(st.binary(max_size=60), st.none() | st.binary(max_size=30))
def test_any_bytes(data: bytes, over: bytes | None) -> None:
    load(data, over)


@settings(ALWAYS_THE_SAME, max_examples=200)
@given(st.sampled_from(CORPUS), st.data())
def test_any_slip_of_the_pen(case: Case, data: st.DataObject) -> None:
    """A corpus file with a stretch replaced by other words."""
    text = case.files["deploy.yml"]
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(begin + 10, len(text))))
    slip = text[:begin] + data.draw(st.lists(WORDS, max_size=3).map("".join)) + text[end:]
    config = load(slip.encode())
    for problem in config.problems:
        assert_inside(problem.at, slip)


PLAIN = [case for case in CORPUS if not re.search("<%|&", case.files["deploy.yml"])]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_a_span_covers_the_text_that_it_names(case: Case) -> None:
    text = case.files["deploy.yml"]
    lines = text.splitlines(keepends=True)

    def covered(span: Span) -> object:
        """What YAML alone reads there, without a type."""
        begin, end = (
            sum(map(len, lines[: line - 1])) + column - 1
            for line, column in ((span.line, span.column), (span.end_line, span.end_column))
        )
        return yaml.load(text[begin:end], Loader=yaml.BaseLoader)  # noqa: S506 - strings are all that this one makes

    def check(node: Node) -> None:
        if isinstance(node.value, str):
            assert covered(node.at) == node.value
        for name, inner in node.items():
            assert inner.key is not None
            assert isinstance(name, OddKey) or covered(inner.key) in (name, f":{name}")
            check(inner)
        for element in node.elements():
            check(element)

    config = load(text.encode())
    if config.root:
        check(config.root)
        known = set(spans(config.root))
        named = [problem.at for problem in config.problems if problem.path and problem.at.end_column]
        assert [span for span in named if span not in known] == []


@settings(ALWAYS_THE_SAME)
@given(st.lists(WORDS, max_size=40).map("".join))
def test_the_cut_of_a_template_loses_nothing(text: str) -> None:
    cut = list(parts(text))
    for one, two in pairwise(cut):
        assert one.end == two.start or (two.kind is Kind.UNCLOSED and two.start - one.end <= len("\t<%-"))
    assert not cut or cut[-1].end == len(text)


_GREEDY = """
import json, resource, sys
from pathlib import Path
from kamal_forward_check import deploy
from kamal_forward_check.system import System

folder = Path(sys.argv[1])
system = System(environ={}, cwd=folder, home=folder)
deploy.load(system, "deploy.yml", None, "2.12.0")
own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
seconds = sum(used.ru_utime + used.ru_stime for used in (own, children))
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0])  # ru_maxrss has in it what called exec, which is all of pytest
print(json.dumps([max(peak, children.ru_maxrss) // 1024, seconds]))
"""
HOSTILE = {
    "brackets": "[" * 990_000,
    "braces": "{a: " * 240_000,
    "dashes": "- " * 490_000,
    "keys": "".join(f"k{number}: v\n" for number in range(80_000)),
    "same-keys": "a: 1\n" * 190_000,
    "one-word": "a: " + "x" * 990_000,
    "quotes": 'a: "' + "\\n" * 490_000 + '"',
    "comment": "#" * 990_000,
    "laughs": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)),
    "merges": "a: &a {x: y}\n" + "b: &a {<<: [*a, *a, *a, *a, *a, *a, *a, *a, *a]}\n" * 18_000,
    "digits": "a: " + "9" * 900_000,
    "unknown-keys": "ssh: {" + ", ".join(f"usr{number}: x" for number in range(9_000)) + "}\n",
    "tags": "<% 1 %>\n" * 100_000,
    "open-tags": "<% " * 300_000,
    "loop": "<% while true %>a<% end %>",
    "big-text": "a: <%= 'x' * 999999999 %>",
    "big-list": "a: <%= (1..99999999).to_a %>",
    "doubling": "<% a = 'x' %>" + "<% a = a + a %>" * 60 + "<%= a %>",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_soon_and_in_little_memory(name: str, tmp_path: Path) -> None:
    """In a process of its own. Seconds are of the processor, which a busy machine does not stretch."""
    (tmp_path / "deploy.yml").write_text(HOSTILE[name])
    command = [sys.executable, "-I", "-c", _GREEDY, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    megabytes, seconds = json.loads(ran.stdout)
    assert megabytes < 200
    assert seconds < 10
