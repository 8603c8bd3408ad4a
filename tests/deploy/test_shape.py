"""The corpus leaves nothing of the schema out, and the schema alone says what we say where no other rule is at work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from kamal_forward_check.deploy import schema
from kamal_forward_check.deploy.kamal_version import NEWEST_KNOWN, is_older
from kamal_forward_check.deploy.scalars import Foreign, Symbol
from kamal_forward_check.model import KamalVersion, Node
from tests.deploy import corpus, shape
from tests.deploy.oracle import NEWEST
from tests.deploy.shape import Use

CASES = list(corpus.cases())
RECORDED = corpus.recorded()
REFUSED_BY_OTHER_RULES = {
    Use("accessories/*/roles/-", "number"),  # the name of a role is a string
    Use("builder/cache/type", "number"),  # one of two words
    Use("ssh/log_level", "boolean"),  # one of Ruby's log levels
}


def root(case: corpus.Case, folder: Path) -> Node | None:
    case.write(folder)
    return case.load(folder, NEWEST_KNOWN).root


def test_every_key_and_every_type_of_it_is_used_and_accepted(tmp_path: Path) -> None:
    used: set[Use] = set()
    accepted: set[Use] = set()
    for case in CASES:
        tree = root(case, tmp_path / case.name)
        uses = set(shape.used(tree)) if tree else set()
        used |= uses
        if not RECORDED[case.name][NEWEST].kamal:
            accepted |= uses
    wanted = dict(shape.wanted())
    assert len(wanted) > 500
    assert wanted.keys() - used == set()
    known = {use for use, since in wanted.items() if not since or not is_older(NEWEST, since)}
    assert known - accepted == REFUSED_BY_OTHER_RULES


def test_there_are_many_and_their_names_differ() -> None:
    assert len(CASES) >= 300
    assert len({case.name for case in CASES}) == len(CASES)


class Other:
    """A value of no type that JSON has."""


def plain(node: Node) -> Any:
    match node.value:
        case dict() as mapping:
            return {key: plain(value) for key, value in mapping.items()}
        case list() as elements:
            return [plain(element) for element in elements]
        case Symbol(name):
            return name
        case Foreign():
            return Other()
    return node.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_schema_alone_agrees(case: corpus.Case, tmp_path: Path) -> None:
    """As an editor applies it: without our keywords, for the newest Kamal."""
    tree = root(case, tmp_path)
    if tree is None or any(node.unknown for node in everything(tree)):
        return
    by_us = schema.judge(tree, KamalVersion(NEWEST_KNOWN, "input"))
    by_the_schema = list(Draft7Validator(shape.ROOT).iter_errors(plain(tree)))
    assert bool(by_us) == bool(by_the_schema), (by_us, by_the_schema)


def everything(node: Node) -> list[Node]:
    inner = [*(value for _, value in node.items()), *node.elements()]
    return [node, *(each for value in inner for each in everything(value))]
