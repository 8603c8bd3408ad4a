"""Flowcharts of routes of every kind, and of hosts with odd names, drawn by Mermaid itself."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from string import Template, punctuation
from typing import Any

from dev import browser
from dev.environment import ROOT
from kamal_forward_check.model import HopTrace, Report, Verdict
from kamal_forward_check.report.clean import cleaned
from kamal_forward_check.report.mermaid import flowchart
from tests.report import parts, samples

_PAGE = ROOT / "dev" / "charts.html"
_NODE = re.compile(r'^    \w+(?:\(\[|\[)"(.*)"', re.MULTILINE)
_EDGE = re.compile(r"^    \w+ (?:-->|--x|-\.->) \w+$", re.MULTILINE)
_NUMBERED = re.compile(r"#(\d+);")

_WORDS = re.findall(
    r"\S+",
    """
    end graph flowchart subgraph class classDef click style linkStyle default direction href call interpolate accTitle
    accDescr o x v here hop1 rest TB __proto__ constructor --> --x -.-> ==> o--o <--> ~~~ ---|a| :::fail & %% ; `a`
    "] "]:::pass [a](b) ![a](b) **a** _a_ ~~a~~ #quot; #35; #9829; &lt; &#60; fa:fa-car fab:fa-github $$x^2$$ \\(x\\)
    a<br/>b <b>a</b> <script>alert(1)</script> <img/src=x/onerror=a> 10.0.1.11 ::1 fe80::1%eth0 bücher.example
    2001:db8:85a3:8d3:1319:8a2e:370:7348 例え.テスト ec2-12-34-56-78.eu-central-1.compute.amazonaws.com 🚀
    """,
)
_TEXTS = (
    *("1. a", "- a", "# a", "> a", '"] --> evil["', "%%{init: {'theme': 'dark'}}%%", "---\ntitle: a\n---", "a\r\nend"),
    *("@{ shape: cyl }", 'click hop1 "javascript:a"', "style hop1 fill:#fff", "a\n    evil --> hop1", "a-" * 40),
    *("\u202eevil", "\u200b", "\x1b[2J", "\x00", "\ud800", "", " ", "  a  b  ", "a" * 200, "<" * 200),
)
_NAMES = (*_WORDS, *_TEXTS, *punctuation, *(f"{first}{second}" for first in punctuation for second in '#;"`<:/'))


def wrong() -> list[str]:
    """What Mermaid does not draw as meant, each with its source; nothing where all is well."""
    sources = [flowchart(cleaned(report)) for report in _reports()]
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "charts.html"
        data = json.dumps(sources).replace("<", "\\u003c")
        page.write_text(Template(_PAGE.read_text()).substitute(mermaid=browser.mermaid().as_uri(), charts=data))
        drawn = browser.result(page, width=1000)
    return [
        f"{told}\n{source}" for source, seen in zip(sources, drawn, strict=True) if (told := _differs(source, seen))
    ]


def count() -> int:
    """How many flowcharts are drawn."""
    return sum(1 for _ in _reports())


def _reports() -> Iterator[Report]:
    yield from (report for sample in samples.SAMPLES.values() if (report := sample()).traces)
    for name in _NAMES:
        refusing, behind = parts.target(name), parts.target(f"{name}.example")
        walked = parts.trace(parts.seen(parts.BASTION), parts.seen(refusing, parts.NO_LISTEN))
        yield parts.report(Verdict.FAIL, walked, parts.trace(parts.seen(refusing), HopTrace(behind)))
    for hosts in (10, 50):
        jumps = [parts.seen(parts.target(f"jump-{number}")) for number in range(hosts)]
        yield parts.report(Verdict.PASS, parts.trace(*jumps, parts.seen(parts.target("web"))))
        yield parts.report(Verdict.PASS, *(parts.trace(jump, parts.seen(jump.hop)) for jump in jumps))


def _differs(source: str, drawn: Any) -> str:
    """In what the drawing is not what the source says; empty where in nothing."""
    if error := drawn.get("error"):
        return str(error)
    labels = [_shown(label) for label in _NODE.findall(source)]
    if sorted(labels) != sorted(map(_visible, drawn["labels"])):
        return f"nodes: {drawn['labels']}"
    if drawn["edges"] != len(_EDGE.findall(source)):
        return f"{drawn['edges']} edges"
    return f"elements: {drawn['strange']}" if drawn["strange"] else ""


def _shown(label: str) -> str:
    """What a person reads of a label."""
    return _visible(_NUMBERED.sub(lambda number: chr(int(number[1])), label.replace("<br/>", "")))


def _visible(text: str) -> str:
    return "".join(text.replace("\u2060", "").split())
