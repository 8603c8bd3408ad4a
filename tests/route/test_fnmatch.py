"""Ruby's File.fnmatch, as `--hosts` and `--roles` use it."""

from __future__ import annotations

from random import Random

import pytest

from kamal_forward_check.route.fnmatch import fnmatch
from tests.route.oracle import needs_kamal, ruby


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("web-*", "web-1", True),
        ("web-?", "web-12", False),
        ("10.0.0.[1-3]", "10.0.0.2", True),
        ("10.0.0.[!1-3]", "10.0.0.2", False),
        ("*", ".hidden", False),
        ("*", "a/b", True),
        ("a\\*", "a*", True),
        ("WEB", "web", False),
        ("[", "[", False),
        ("[b-a]", "a", False),
    ],
)
def test_fnmatch(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001 - what is expected
    assert fnmatch(pattern, text) is expected


@needs_kamal
def test_ruby_agrees() -> None:
    random = Random(1)  # noqa: S311 - the same at every run
    parts = [
        "a",
        "b",
        "*",
        "?",
        "[ab]",
        "[!a]",
        "[^b]",
        "[a-c]",
        "\\*",
        "\\a",
        ".",
        "-",
        "a]",
        "/",
        "**",
        "[a\\]]",
        "[",
    ]
    pairs = [
        [
            "".join(random.choices(parts, k=random.randint(0, 4))),
            "".join(random.choices("ab.*-/[]c", k=random.randint(0, 4))),
        ]
        for _ in range(4000)
    ]
    rubys = ruby("File.fnmatch(it[0], it[1], File::FNM_EXTGLOB)", pairs)
    assert rubys.count(True) > 200
    assert [fnmatch(*pair) for pair in pairs] == rubys
