"""The report for code scanning: SARIF 2.1.0 (OASIS, 28 August 2023), as far as GitHub reads it.

Places are relative to the repository. A finding keeps its fingerprint when its line moves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote

from kamal_forward_check.model import Finding, Report, Severity, Span, Verdict
from kamal_forward_check.report import words
from kamal_forward_check.report.clean import cleaned
from kamal_forward_check.report.github import InRepository, as_given, cut, what_to_do
from kamal_forward_check.report.json import TOOL, dumped

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://github.com/kamal-forward-check/kamal-forward-check"
_ROOT = "%SRCROOT%"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}
_LINES = re.compile(r"\blines? \d+(?:(?:, | and )\d+)*|:\d+(?::\d+)?\b", re.IGNORECASE)
"""Where a message names lines: they move."""
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


class Rule(Protocol):
    """What a viewer is told of a rule."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def page(self) -> str: ...


def render(report: Report, rules: Mapping[str, Rule], in_repository: InRepository = as_given) -> str:
    """The report as SARIF, in ASCII. `rules` are all there are, by code: a viewer shows their pages."""
    report = cleaned(report)
    run: dict[str, Any] = {
        "tool": {"driver": _driver(report, [rules[code] for code in sorted(rules)])},
        # One file may be checked with several destinations: each is an analysis of its own.
        "automationDetails": {"id": "/".join(filter(None, (TOOL, report.file, report.destination))) + "/"},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": list(_results(report, in_repository)),
    }
    return dumped({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver(report: Report, rules: list[Rule]) -> dict[str, Any]:
    return {
        "name": TOOL,
        "semanticVersion": report.tool_version,
        "informationUri": _HOME,
        "rules": [
            {
                "id": rule.code,
                "name": rule.name,
                "shortDescription": {"text": rule.title},
                "help": {"text": rule.page, "markdown": rule.page},
                "helpUri": words.docs(rule.code),
                "defaultConfiguration": {"level": _LEVELS[rule.severity]},
            }
            for rule in rules
        ],
    }


def _invocation(report: Report) -> dict[str, Any]:
    """How the check went. What had to be skipped is no result: it has no line, and no fault."""
    return {
        "executionSuccessful": report.verdict is not Verdict.INCOMPLETE,
        "toolExecutionNotifications": [
            {
                "level": "error" if item.needed else "note",
                "message": {"text": _text(f"Not looked at: {item.what}: {item.why}")},
            }
            for item in report.skipped
        ],
    }


def _results(report: Report, in_repository: InRepository) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for finding in report.findings:
        file = in_repository(finding.location.file) if finding.location else None
        elsewhere = f"At {finding.location}." if finding.location and file is None else ""
        at = finding.location if file else None
        said = "\n".join(filter(None, (finding.message, *what_to_do(finding), elsewhere)))
        mark = _fingerprint(finding)
        seen[mark] += 1
        yield {
            "ruleId": finding.code,
            "level": _LEVELS[finding.severity],
            "message": {"text": _text(said)},
            "locations": list(_locations(file or in_repository(report.file), at)),
            # GitHub knows an alert again by this one alone; the count tells equal ones of a file apart.
            "partialFingerprints": {"primaryLocationLineHash": f"{mark}:{seen[mark]}"},
        }


def _locations(file: str | None, at: Span | None) -> Iterator[dict[str, Any]]:
    if file:
        artifact = {"uri": quote(file), "uriBaseId": _ROOT}
        yield {"physicalLocation": {"artifactLocation": artifact, "region": _region(at)}}


def _region(at: Span | None) -> dict[str, int]:
    """Lines and columns count from 1; the end column is exclusive."""
    if at is None or at.line < 1:
        return {"startLine": 1}
    region = {"startLine": at.line, "startColumn": max(at.column, 1)}
    end_line = max(at.end_line, at.line)
    if at.end_column > 0 and (end_line > at.line or at.end_column > at.column):
        region |= {"endLine": end_line, "endColumn": at.end_column}
    return region


def _fingerprint(finding: Finding) -> str:
    """What stays the same while the fault does, wherever its line goes."""
    hop, line = finding.hop, finding.server_line
    parts = (
        finding.code,
        finding.location.file if finding.location else "",
        f"{hop.role} {hop.name}" if hop else "",
        f"{line.file} {line.keyword}" if line else "",
        _LINES.sub("", finding.message),
    )
    return sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]


def _text(text: str) -> str:
    """A message in which foreign text makes no link and no placeholder (SARIF §3.11.6, §3.11.5)."""
    return cut(_PLACEHOLDER.sub(r"{ \1}", text.replace("](", "] (")))
