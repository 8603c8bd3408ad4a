"""What Kamal accepts in the file, and what breaks all the same: the ways to declare and to look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps

from kamal_forward_check.model import DeployConfig, Fix, Forwarding, Node, Purpose, Role, Severity, Span, Stage, Status
from kamal_forward_check.route.registry import forwarding
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import Hit, rule

Check = Callable[[Node, Facts], Iterator[Hit]]


def lint(code: str, *, name: str, title: str) -> Callable[[Check], Check]:
    """Declare a rule about the file alone. Where something else is wrong at that very place, that is said instead."""

    def declare(check: Check) -> Check:
        @wraps(check)
        def hits(facts: Facts) -> Iterator[Hit]:
            if facts.config is None or facts.config.root is None or facts.config.root.unknown:
                return
            said = {problem.at for problem in facts.problems}
            for hit in check(facts.config.root, facts):
                if hit.location not in said:
                    yield replace(hit, severity=hit.severity or Severity.WARNING)

        rule(code, name=name, title=title, severity=Severity.WARNING)(hits)
        return check

    return declare


def said(message: str, at: Span, fix: str) -> Hit:
    """A hit at `at`, and what to do."""
    return Hit(message, location=at, fix=Fix(fix))


def text(node: Node | None) -> str | None:
    """The node's text, or None where it is none, or is not known."""
    return node.value if node is not None and not node.unknown and isinstance(node.value, str) else None


def config_of(facts: Facts) -> DeployConfig:
    """The file: a rule of this family is asked only where there is one."""
    assert facts.config is not None  # noqa: S101 - for the type checker
    return facts.config


def lent(facts: Facts) -> Forwarding:
    """Whether Kamal lends the file's registry, and at which port."""
    return forwarding(config_of(facts))


def let_in(facts: Facts, purpose: Purpose, role: Role) -> bool:
    """Whether every such hop that was walked let Kamal's user in: then the file names it as it should."""
    seen = [hop for trace in facts.traces if trace.route.purpose is purpose for hop in trace.hops]
    logins = [hop.at(Stage.LOGIN) for hop in seen if hop.hop.role is role]
    return bool(logins) and all(login and login.status is Status.PASS for login in logins)
