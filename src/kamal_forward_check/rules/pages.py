"""A page for each rule, from its declaration: what `explain` shows, and docs/rules/ holds."""

from __future__ import annotations

from kamal_forward_check import rules
from kamal_forward_check.errors import CannotCheck

_FAMILIES = {
    "KF1": "The file",
    "KF2": "Reaching a host, and its key",
    "KF3": "Logging in",
    "KF4": "A jump refuses",
    "KF5": "The target refuses",
    "KF6": "The forward stands, and no data flows",
    "KF7": "It works today",
    "KF8": "With and without the jump",
    "KF9": "Unexplained",
}


def page(code: str) -> str:
    """The page of a rule, in Markdown. Raises CannotCheck for a code that no rule has."""
    rule = rules.RULES.get(code)
    if rule is None:
        raise CannotCheck(f"no rule has the code {code}", "kamal-forward-check explain lists them all")
    return f"# {rule.code} {rule.name}\n\n**{rule.title}** ({rule.severity})\n\n{rule.page}\n"


def index() -> str:
    """All rules, family by family, in Markdown."""
    lines = ["# Findings", ""]
    for family, title in _FAMILIES.items():
        lines += [f"## {family}xx {title}", "", "| code | name | severity | |", "|---|---|---|---|"]
        lines += [
            f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.severity} | {rule.title} |"
            for code, rule in sorted(rules.RULES.items())
            if code.startswith(family)
        ]
        lines.append("")
    return "\n".join(lines)


def files() -> dict[str, str]:
    """The files of docs/rules/, by name."""
    return {"README.md": index(), **{f"{code}.md": page(code) for code in sorted(rules.RULES)}}
