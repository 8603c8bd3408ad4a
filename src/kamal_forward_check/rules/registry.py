"""Rules: one declaration each, from which come the finding, its page, and every list of rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from kamal_forward_check.model import Candidate, Finding, Fix, Hop, ServerLine, Severity, Span
from kamal_forward_check.rules.facts import Facts


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule applies. Hits of a rule with an equal `same` are one fault, and become one finding."""

    message: str
    hop: Hop | None = None
    affects: tuple[str, ...] = ()
    location: Span | None = None
    server_line: ServerLine | None = None
    candidates: tuple[Candidate, ...] = ()
    fix: Fix | None = None
    why: str = ""
    evidence: tuple[str, ...] = ()
    severity: Severity | None = None
    same: Hashable = None
    hops: tuple[Hop, ...] = ()
    """Further hops whose stops this explains."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it was declared. `page` is Markdown: what happened, why, how to fix it, how to see it by hand."""

    code: str
    name: str
    title: str
    severity: Severity
    page: str
    check: Callable[[Facts], Iterator[Hit]]

    def hits(self, facts: Facts) -> tuple[Hit, ...]:
        """Every place where this rule applies, each with its severity."""
        return tuple(replace(hit, severity=hit.severity or self.severity) for hit in self.check(facts))

    def findings(self, hits: Iterable[Hit]) -> Iterator[Finding]:
        """What the rule's hits come to: those of one fault are one finding, with the hosts and changes of all."""
        faults: dict[Hashable, list[Hit]] = {}
        for number, hit in enumerate(hits):
            faults.setdefault(number if hit.same is None else ("same", hit.same), []).append(hit)
        for same in faults.values():
            yield self._finding(same)

    def _finding(self, hits: list[Hit]) -> Finding:
        first = hits[0]
        fix = first.fix
        if fix:
            fixes = [hit.fix for hit in hits if hit.fix]
            fix = replace(
                fix,
                changes=tuple(dict.fromkeys(change for each in fixes for change in each.changes)),
                commands=tuple(dict.fromkeys(command for each in fixes for command in each.commands)),
                daemons=tuple(dict.fromkeys(daemon for each in fixes for daemon in each.daemons)),
                besides=tuple(dict.fromkeys(text for each in fixes for text in each.besides)),
                ways=tuple(dict.fromkeys(way for each in fixes for way in each.ways)),
            )
        return Finding(
            code=self.code,
            name=self.name,
            severity=first.severity or self.severity,
            message=first.message,
            hop=first.hop,
            affects=tuple(dict.fromkeys(host for hit in hits for host in hit.affects)),
            location=first.location,
            server_line=first.server_line,
            candidates=first.candidates,
            fix=fix,
            why=first.why,
            evidence=first.evidence,
        )


RULES: dict[str, Rule] = {}
"""Every rule by its code, in the codes' order once all families are imported."""


def rule(
    code: str, *, name: str, title: str, severity: Severity = Severity.ERROR
) -> Callable[[Callable[[Facts], Iterator[Hit]]], Callable[[Facts], Iterator[Hit]]]:
    """Declare a rule: the function finds its hits, its docstring is its page. A code is never used twice."""

    def declare(check: Callable[[Facts], Iterator[Hit]]) -> Callable[[Facts], Iterator[Hit]]:
        if code in RULES:
            raise ValueError(f"{code} is declared twice")
        RULES[code] = Rule(code, name, title, severity, inspect.cleandoc(check.__doc__ or ""), check)
        return check

    return declare
