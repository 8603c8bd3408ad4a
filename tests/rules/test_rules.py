"""Every rule as it is declared: its name, its page, and that it fires."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from kamal_forward_check.model import (
    Severity,
)
from kamal_forward_check.rules import FAMILIES, RULES, Facts, judge, pages
from tests.sshd.seen import granted, hop, through, trace

if TYPE_CHECKING:
    from kamal_forward_check.rules.registry import Rule

from tests.rules.rows import ROWS

BESIDE = {"KF720": ["KF510"], "KF730": ["KF410"], "KF801": ["KF510"], "KF802": ["KF510"], "KF803": ["KF510"]}
"""Rules that speak of a hop only where an error stops it."""

SECTIONS = ("## Fix", "## See it by hand")
EVERY = sorted(RULES.values(), key=lambda rule: rule.code)
every = pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.code)


@every
def test_a_rule_is_declared_well(rule: Rule) -> None:
    assert re.fullmatch(r"KF\d{3}", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert rule.title[0].isupper() or rule.title.startswith("sshd")
    assert not rule.title.endswith((".", "!", "…"))


@every
def test_a_rules_page_says_what_why_how_and_how_to_see_it(rule: Rule) -> None:
    what, *rest = re.split(r"^(## .+)$", rule.page, flags=re.MULTILINE)
    assert len(what.split()) > 5
    assert rest[::2] == list(SECTIONS)
    assert all(text.strip() for text in rest[1::2])
    assert all(len(line) <= 120 for line in rule.page.splitlines())


def test_codes_and_names_are_unique() -> None:
    assert len({rule.name for rule in EVERY}) == len({rule.title for rule in EVERY}) == len(EVERY)


def test_every_rule_is_of_a_family_that_is_listed() -> None:
    declared = {rule.check.__module__ for rule in EVERY}
    assert declared == {family.__name__ for family in FAMILIES}
    assert all(f"[{rule.code}]({rule.code}.md)" in pages.index() for rule in EVERY)


@every
def test_a_rule_has_a_page_to_show(rule: Rule) -> None:
    page = pages.page(rule.code)
    assert page.startswith(f"# {rule.code} {rule.name}\n")
    assert page.endswith("\n")
    assert pages.files()[f"{rule.code}.md"] == page


@every
def test_a_rule_fires_and_no_other_error_with_it(rule: Rule) -> None:
    facts = ROWS[rule.code]
    found = judge(facts)
    assert rule.code in [finding.code for finding in found]
    errors = {finding.code for finding in found if finding.severity is Severity.ERROR}
    assert errors <= {rule.code, *BESIDE.get(rule.code, ())}


@every
def test_a_finding_can_be_acted_on(rule: Rule) -> None:
    [finding] = [each for each in judge(ROWS[rule.code]) if each.code == rule.code]
    assert finding.name == rule.name
    assert finding.message
    assert not finding.message.endswith(".")
    assert finding.fix
    assert finding.fix.summary
    assert finding.location
    if not rule.code.startswith("KF1"):
        assert finding.hop or rule.code == "KF610", "only the file and this machine are no hops"
        assert finding.affects == ("web-1",)
    for text in (finding.message, finding.fix.summary, finding.why, *finding.evidence, *finding.fix.commands):
        assert "None" not in text
        assert "\n" not in text


def test_no_rule_is_without_a_row_and_no_row_without_a_rule() -> None:
    assert set(ROWS) == set(RULES)


def test_nothing_is_said_where_all_is_well() -> None:
    assert judge(Facts(traces=(trace(through(), granted()), trace(granted(hop(host="web-2")))))) == ()
    assert judge(Facts()) == ()
