from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from markdown_it import MarkdownIt

from kamal_forward_check.model import Cause, HopTrace, Report, Skipped, Stage, Trace, Verdict
from kamal_forward_check.report import summary
from kamal_forward_check.report.summary import MOST_BYTES
from kamal_forward_check.report.words import DOCS
from tests.report import parts, samples
from tests.report.strategies import ALWAYS_THE_SAME, REPORTS

if TYPE_CHECKING:
    from markdown_it.token import Token

READER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
OUR_TOKENS = {
    *(
        "heading",
        "paragraph",
        "inline",
        "fence",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "bullet_list",
        "list_item",
    ),
    *("text", "code_inline", "link", "strong", "html_inline", "html_block"),
}
OUR_LINK = re.compile(re.escape(DOCS).replace(r"\{\}", r"KF\d{3}"))
OUR_HTML = re.compile(r"<!-- -->|<details>\n<summary>(How we know|Another way|\d+ notices?)</summary>\n|</details>\n?")
NODE = re.compile(
    r'    (here\(\["[a-z ]*"]\):::start|rest\["\d+ hosts? more: [a-z ]*"]:::start'
    r'|hop\d+\["[^"]*"]:::(pass|fail|unsure|skipped))'
)
EDGE = re.compile(r"    (here|hop\d+) (-->|--x|-\.->) hop\d+")
STYLE = re.compile(r"    classDef (start|pass|fail|unsure|skipped) [a-z0-9#:,-]+")
MOST_OF_MERMAID = 50_000
"""Characters of a diagram (maxTextSize); GitHub shows an error in place of a longer one."""


def tokens(markdown: str) -> Iterator[Token]:
    for token in READER.parse(markdown):
        yield token
        yield from token.children or ()


def flowchart(markdown: str) -> list[str]:
    charts = [token.content for token in tokens(markdown) if token.info == "mermaid"]
    return charts[0].splitlines() if charts else []


def each_stopped_otherwise(*hosts: str) -> list[Trace]:
    """The same hosts, once for each cause there is, at two stages."""
    stops = [parts.refused(stage, cause) for stage in (Stage.REACH, Stage.LOGIN) for cause in Cause]
    return [
        parts.trace(parts.seen(parts.BASTION), parts.seen(parts.target(host), stop)) for stop in stops for host in hosts
    ]


@given(REPORTS)
@example(samples.hostile())
@ALWAYS_THE_SAME
def test_foreign_text_is_nothing_but_text(report: Report) -> None:
    """As Markdown reads it, nothing is there that is not ours, and nothing gets out of a fence."""
    count = Counter[str]()
    for token in tokens(summary.render(report)):
        count[token.type] += 1
        assert token.type.removesuffix("_open").removesuffix("_close") in OUR_TOKENS
        if token.type == "link_open":
            assert OUR_LINK.fullmatch(str(token.attrs["href"]))
        if token.type in ("html_inline", "html_block"):
            assert OUR_HTML.fullmatch(token.content)
        if token.type == "fence":
            assert token.info in ("mermaid", "diff", "sh", "text")
    assert count["link_open"] == len(report.findings)
    assert count["heading_open"] == 1 + len(report.findings) + bool(report.traces) + bool(report.skipped)
    assert count["bullet_list_open"] == bool(report.skipped)
    assert count["list_item_open"] == len(report.skipped)
    assert count["table_open"] == bool(report.traces) + sum(bool(finding.candidates) for finding in report.findings)


@given(REPORTS)
@example(samples.hostile())
@ALWAYS_THE_SAME
def test_foreign_text_does_not_draw_in_the_flowchart(report: Report) -> None:
    chart = flowchart(summary.render(report))
    assert chart[:1] == (["flowchart LR"] if report.traces else [])
    assert all(NODE.fullmatch(line) or EDGE.fullmatch(line) or STYLE.fullmatch(line) for line in chart[1:])


def test_the_failing_hop_is_red_and_many_targets_are_one_node() -> None:
    chart = flowchart(summary.render(samples.jump_refused()))
    assert '    hop1["ops@bastion.example.com<br/>✗ forward: refused<br/>KF411"]:::fail' in chart
    names = "<br/>".join(f"deploy@10.0.2.{number}" for number in (1, 2, 3))
    assert f'    hop2["{names}<br/>and 47 more<br/>· not tried"]:::skipped' in chart
    assert sum(bool(NODE.fullmatch(line)) for line in chart) == 3


def test_a_failing_hop_whose_cause_is_not_settled_says_so() -> None:
    chart = flowchart(summary.render(samples.candidates()))
    said = "app@web-#8288;1.example.com:2222<br/>✗ listen: refused<br/>KF519: more than one cause fits"
    assert f'    hop1["{said}"]:::unsure' in chart


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("fa:fa-car", "fa:#8288;fa-#8288;car"),  # an icon
        ("$$x$$", "#36;#8288;#36;x#36;#8288;#36;"),  # a formula
        ("a\nb", "a#92;#8288;nb"),  # a line break, written as clean writes it
        ("style:#1", "#115;tyle:#35;1"),  # a style statement: Mermaid eats the last semicolon of its line
        ("a" * 40 + "-b", "a" * 40 + "-b"),  # long enough to be broken at its hyphen
    ],
)
def test_what_mermaid_reads_within_a_label_is_but_text(host: str, label: str) -> None:
    """Each was seen in a drawing, which dev.pictures makes of these and of hundreds of other names."""
    walked = parts.trace(parts.seen(parts.target(host), parts.NO_LISTEN))
    chart = flowchart(summary.render(parts.report(Verdict.FAIL, walked)))
    assert f'    hop1["deploy@{label}<br/>✗ listen: refused"]:::fail' in chart


def test_an_arrow_shows_how_far_the_way_goes() -> None:
    timed_out = parts.refused(Stage.REACH, Cause.TIMED_OUT)
    walked = [
        parts.trace(parts.seen(parts.BASTION), parts.seen(parts.target("10.0.1.11"), parts.NO_LISTEN)),
        parts.trace(parts.seen(parts.BASTION), parts.seen(parts.target("10.0.1.12"), timed_out)),
        parts.trace(parts.seen(parts.BASTION), HopTrace(parts.target("10.0.1.13"))),
    ]
    chart = flowchart(summary.render(parts.report(Verdict.FAIL, *walked)))
    edges = [line.strip() for line in chart if EDGE.fullmatch(line)]
    assert edges == ["here --> hop1", "hop1 --> hop2", "hop1 --x hop3", "hop1 -.-> hop4"]


def test_the_flowchart_stays_within_what_mermaid_draws() -> None:
    """Three hosts stop for each cause there is, under the longest names, whose signs are all written by number."""
    walked = each_stopped_otherwise(*(chr(0x1F600 + number) * 90 for number in range(3)))
    chart = flowchart(summary.render(parts.report(Verdict.FAIL, *walked)))
    drawn = sum(line.startswith("    hop") and '["' in line for line in chart) - 1
    assert drawn > 20
    assert len("\n".join(chart)) < MOST_OF_MERMAID
    assert f'    rest["{len(walked) - 3 * drawn} hosts more: see the table of hops"]:::start' in chart


def test_neighbouring_lines_of_a_servers_file_stay_out() -> None:
    made = summary.render(samples.targets_refused())
    assert "- AllowTcpForwarding no\n+ AllowTcpForwarding remote" in made
    assert "CIS 5.2.20" not in made


def test_a_bar_in_a_command_does_not_end_its_cell() -> None:
    cells = [token for token in tokens(summary.render(samples.candidates())) if token.type == "code_inline"]
    assert "sudo sshd -T -C user=app | grep -i permitlisten" in [cell.content for cell in cells]


def test_what_does_not_fit_is_counted() -> None:
    finding = replace(samples.targets_refused().findings[0], evidence=("x" * 1900,) * 60)
    many = replace(samples.targets_refused(), findings=(finding,) * 200, skipped=(Skipped("y" * 1900, "z"),) * 1000)
    made = summary.render(many)
    assert 0.8 * MOST_BYTES < len(made.encode()) <= MOST_BYTES
    assert re.search(r"\d+ sections left out", made)


def test_findings_are_left_out_before_the_table_of_hops() -> None:
    walked = each_stopped_otherwise("10.0.1.11")
    many = parts.report(Verdict.FAIL, *walked, findings=samples.targets_refused().findings * 1000)
    made = summary.render(many)
    assert 0.95 * MOST_BYTES < len(made.encode()) <= MOST_BYTES
    assert made.index("### ❌") < made.index("### Hops") < made.index("sections left out")


def test_a_verdict_has_a_heading() -> None:
    assert summary.render(samples.all_well()).startswith("## ✅ forward works on 3 of 3 hosts")
    assert summary.render(replace(samples.all_well(), verdict=Verdict.INCOMPLETE)).startswith("## ❔ not known")
