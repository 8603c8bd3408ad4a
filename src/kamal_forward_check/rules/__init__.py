"""Facts in, findings out: the only place with codes."""

from __future__ import annotations

from dataclasses import replace

from kamal_forward_check.model import Finding, Severity
from kamal_forward_check.rules import (
    direct,
    file,
    host_key,
    jump,
    lint_keys,
    lint_registry,
    lint_ssh,
    login,
    login_ends,
    peer,
    reach,
    target,
    through,
    today,
    unexplained,
)
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import RULES

__all__ = ["RULES", "Facts", "judge"]

FAMILIES = (
    file,
    lint_registry,
    lint_ssh,
    lint_keys,
    reach,
    peer,
    host_key,
    login,
    login_ends,
    jump,
    target,
    through,
    today,
    direct,
    unexplained,
)

_ORDER = {severity: n for n, severity in enumerate(Severity)}


def judge(facts: Facts) -> tuple[Finding, ...]:
    """Every finding, errors first, then by code. A stop that no other rule explains is a finding as well."""
    *others, last = (RULES[code] for code in sorted(RULES))
    hits = {rule: rule.hits(facts) for rule in others}
    errors = (hit for each in hits.values() for hit in each if hit.severity is Severity.ERROR)
    explained = frozenset((hop, host) for hit in errors for hop in (hit.hop, *hit.hops) for host in hit.affects)
    hits[last] = last.hits(replace(facts, explained=explained))
    found = [finding for rule, each in hits.items() for finding in rule.findings(each)]
    return tuple(sorted(found, key=lambda finding: (_ORDER[finding.severity], finding.code)))
