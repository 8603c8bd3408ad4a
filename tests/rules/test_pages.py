"""docs/rules/ is written by the rules themselves; what is committed is what they say today."""

from __future__ import annotations

from pathlib import Path

from kamal_forward_check.rules import pages

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "rules"


def test_the_committed_pages_are_the_rules_own() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert committed == pages.files(), "run bin/invoke dev.docs and read the difference"


def test_the_index_names_every_page() -> None:
    named = {f"{line.split('](')[1].split(')')[0]}" for line in pages.index().splitlines() if "](" in line}
    assert named | {"README.md"} == set(pages.files())
