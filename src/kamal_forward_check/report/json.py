"""The report for programs: JSON by schema/report.schema.json.

Texts stand here as they were found; as JSON's escapes they can do no harm.
"""

from __future__ import annotations

import json
import re
from typing import Any

from kamal_forward_check.model import (
    Candidate,
    Finding,
    Fix,
    Hop,
    HopTrace,
    Observation,
    OwnPort,
    Report,
    ServerLine,
    Skipped,
    Span,
    Trace,
)
from kamal_forward_check.report.words import docs

VERSION = 1
"""The structure's version: it rises when a reader of the last one could break."""

TOOL = "kamal-forward-check"

_HALF = re.compile("[\ud800-\udfff]")


def render(report: Report) -> str:
    """The report as JSON in ASCII. No line of it is a command to a runner: the second `#` of `##[` is escaped."""
    return dumped(_report(report))


def dumped(value: Any, indent: int | None = 2) -> str:
    """JSON that a runner's log may show: see `render`.

    A byte that is no UTF-8 is U+FFFD here: half a pair of surrogates would make the JSON unreadable for many.
    """
    text = _HALF.sub("\ufffd", json.dumps(value, ensure_ascii=False))
    return json.dumps(json.loads(text), indent=indent).replace("##[", "#\\u0023[") + "\n" * (indent is not None)


def _report(report: Report) -> dict[str, Any]:
    forwarding = report.forwarding
    return {
        "version": VERSION,
        "tool": {"name": TOOL, "version": report.tool_version},
        "vantage": report.vantage,
        "kamal": {"version": report.kamal.version, "source": report.kamal.source},
        "config": {"file": report.file, "destination": report.destination},
        "verdict": report.verdict,
        "forwarding": {"needed": forwarding.needed, "port": forwarding.port, "reason": forwarding.reason},
        "routes": [_route(trace) for trace in report.traces],
        "findings": [_finding(finding) for finding in report.findings],
        "ignored": [{"code": code, "count": count} for code, count in sorted(report.ignored.items())],
        "skipped": [_skipped(item) for item in report.skipped],
        "own_port": [_own_port(seen) for seen in report.own_port],
        "total_ms": _ms(report.total_ms),
    }


def _route(trace: Trace) -> dict[str, Any]:
    return {
        "purpose": trace.route.purpose,
        "verdict": trace.verdict,
        "hops": [_seen(seen) for seen in trace.hops],
        "direct": _direct(trace.direct) if trace.direct else None,
    }


def _seen(seen: HopTrace) -> dict[str, Any]:
    origin = seen.hop.origin
    return {
        **hop(seen.hop),
        "status": seen.status,
        "stages": [_stage(stage) for stage in seen.stages],
        "origin": {"file": origin.file, "line": origin.line, "column": origin.column} if origin else None,
    }


def _direct(seen: HopTrace) -> dict[str, Any]:
    return {"status": seen.status, "stages": [_stage(stage) for stage in seen.stages]}


def hop(hop: Hop) -> dict[str, Any]:
    """A hop, as it is named everywhere in the report."""
    return {"role": hop.role, "host": hop.host.value, "port": hop.port.value, "user": hop.user.value}


def _stage(seen: Observation) -> dict[str, Any]:
    return {"name": seen.stage, "status": seen.status, "ms": _ms(seen.ms)}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "message": finding.message,
        "hop": hop(finding.hop) if finding.hop else None,
        "affects": list(finding.affects),
        "location": _location(finding.location) if finding.location else None,
        "server_line": _server_line(finding.server_line) if finding.server_line else None,
        "candidates": [_candidate(candidate) for candidate in finding.candidates],
        "fix": _fix(finding.fix) if finding.fix else None,
        "docs": docs(finding.code),
    }


def _location(span: Span) -> dict[str, Any]:
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line or None,
        "end_column": span.end_column or None,
    }


def _server_line(line: ServerLine) -> dict[str, Any]:
    """The deciding line; its neighbours in the file stay private."""
    return {
        "file": line.file,
        "line": line.line,
        "keyword": line.keyword,
        "current": line.current,
        "change_to": line.change_to,
        "certainty": line.certainty,
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {"keyword": candidate.keyword, "why": candidate.why, "settle": candidate.settle}


def _fix(fix: Fix) -> dict[str, Any]:
    changes = [
        {
            "host": change.host,
            "file": change.file,
            "line": change.line,
            "current": change.current,
            "change_to": change.change_to,
        }
        for change in fix.changes
    ]
    return {
        "summary": fix.summary,
        "changes": changes,
        "example": list(fix.example) or None,
        "commands": list(fix.commands) or None,
        "besides": list(fix.besides),
        "undone_by": fix.undone_by or None,
        "ways": [{"title": way.title, "file": way.file, "lines": list(way.lines)} for way in fix.ways],
    }


def _skipped(item: Skipped) -> dict[str, Any]:
    return {"what": item.what, "why": item.why}


def _own_port(seen: OwnPort) -> dict[str, Any]:
    return {"address": seen.address, "port": seen.port, "answers": seen.answers, "said": seen.said}


def _ms(ms: float) -> float:
    return round(ms, 1)
