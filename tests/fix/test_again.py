"""The check that the script ends with is the one that was made."""

from __future__ import annotations

from kamal_forward_check.settings import as_flags, from_flags

ROUTES = {
    "config_file": "apps/shop.yml",
    "destination": "staging",
    "hosts": "web-*, web-9",
    "identity": ["~/.ssh/one", "~/.ssh/two"],
    "compare_direct": True,
}


def test_the_words_that_chose_the_routes_are_given_again() -> None:
    words = as_flags(from_flags(ROUTES | {"output": "fix.sh", "hop": ["web-1"]}), "check")
    assert sorted(words) == sorted(
        [
            *("--config-file", "apps/shop.yml", "--destination", "staging", "--hosts", "web-*,web-9"),
            *("--identity", "~/.ssh/one", "--identity", "~/.ssh/two", "--compare-direct"),
        ]
    )


def test_where_nothing_was_chosen_there_are_no_words() -> None:
    assert as_flags(from_flags({}), "check") == []
