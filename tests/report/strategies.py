"""Reports at random, their texts as hostile as they come."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from kamal_forward_check.model import (
    Answers,
    Candidate,
    Cause,
    Certainty,
    Change,
    Client,
    Daemon,
    Finding,
    Fix,
    Forwarding,
    Given,
    Heard,
    Hop,
    HopTrace,
    HostKeyRule,
    KamalVersion,
    Keys,
    Observation,
    OwnPort,
    Purpose,
    Report,
    Role,
    Route,
    ServerLine,
    Severity,
    Skipped,
    Span,
    Stage,
    Status,
    Trace,
    Vantage,
    Verdict,
    Way,
)

ALWAYS_THE_SAME = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
"""Reports take their time to make, and a test that fails today fails tomorrow."""

FRAGMENTS = (
    *(
        "::error::",
        "::warning file=x::",
        "::set-output name=verdict::pass",
        "::stop-commands::x",
        "::add-mask::e",
        "::",
    ),
    *("##[error]", "##[set-output name=verdict;]pass", "##[add-mask]e", "##[stop-commands]x", "##[", "#", "["),
    *(
        "\r",
        "\n",
        "\r\n",
        "\t",
        "\x00",
        "\x1b[2J",
        "\x85",
        "\xa0",
        "\u2028",
        "\u2029",
        "\u200b",
        "\u202e",
        "\ufeff",
        "\ud800",
    ),
    *("%0A", "%0D", "%25", "%3A", "%", ":", ",", "=", ";", "|", "]", " "),
    *(
        "`",
        "```",
        "~~~",
        "*",
        "_",
        "![x](http://e.example)",
        "[x](javascript:y)",
        "<img src=x>",
        "</details>",
        "<!--",
        "-->",
    ),
    *("http://e.example", "www.e.example", "@octo", "a@b.example", "&lt;", "#1", "- ", "> ", "# ", "1. ", "===", "\\"),
    *('"];', "end", "<br/>", "-->", "click hop1 href", "kfc_", "sshd", "10.0.0.1", "no"),
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=5).map("".join)
CODES = st.integers(100, 999).map("KF{}".format)
LINES = st.integers(1, 10_000)


def tuples(of: st.SearchStrategy[Any], most: int = 3, least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=least, max_size=most).map(tuple)


SPANS = st.builds(Span, TEXTS, LINES, LINES, st.just(0) | LINES, st.just(0) | LINES)


def given(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Given[Any]]:
    return st.builds(Given, values, TEXTS, st.none() | SPANS)


HOPS = st.builds(
    Hop,
    role=st.sampled_from(Role),
    host=given(TEXTS),
    port=given(st.sampled_from((22, 2222))),
    user=given(TEXTS),
    dialled_by=st.sampled_from(Client),
    address=TEXTS,
    keys=st.just(Keys()),
    host_key_rule=st.just(HostKeyRule((), (), accept_unknown=True)),
)
OBSERVATIONS = st.builds(
    Observation,
    st.sampled_from(Stage),
    st.sampled_from(Status),
    st.floats(0, 1e6),
    st.none() | st.sampled_from(Cause),
    TEXTS,
)
HOP_TRACES = st.builds(HopTrace, HOPS, tuples(OBSERVATIONS), st.builds(Heard, TEXTS), held_ms=st.floats(0, 1e5))
TRACES = st.builds(
    lambda purpose, hops, direct: Trace(
        Route(purpose, tuple(seen.hop for seen in hops), "127.0.0.1", 5555), hops, direct
    ),
    st.sampled_from(Purpose),
    tuples(HOP_TRACES, least=1),
    st.none() | HOP_TRACES,
)
CHANGES = st.builds(Change, TEXTS, TEXTS, st.none() | LINES, TEXTS, TEXTS, st.booleans())
SERVER_LINES = st.builds(
    ServerLine,
    *(TEXTS, TEXTS, st.none() | LINES, TEXTS, TEXTS, TEXTS, st.sampled_from(Certainty)),
    tuples(st.tuples(LINES, TEXTS)),
)
FIXES = st.builds(
    Fix,
    *(TEXTS, tuples(CHANGES), tuples(TEXTS)),
    tuples(st.builds(Daemon, TEXTS, st.integers(1, 65535), tuples(TEXTS, least=1))),
    tuples(TEXTS, most=1),
    TEXTS,
    tuples(st.builds(Way, TEXTS, TEXTS, tuples(TEXTS))),
)
FINDINGS = st.builds(
    Finding,
    code=CODES,
    name=TEXTS,
    severity=st.sampled_from(Severity),
    message=TEXTS,
    hop=st.none() | HOPS,
    affects=tuples(TEXTS),
    location=st.none() | SPANS,
    server_line=st.none() | SERVER_LINES,
    candidates=tuples(st.builds(Candidate, TEXTS, TEXTS, TEXTS), most=2),
    fix=st.none() | FIXES,
    why=TEXTS,
    evidence=tuples(TEXTS),
)
REPORTS = st.builds(
    Report,
    tool_version=TEXTS,
    vantage=st.sampled_from(Vantage),
    kamal=st.builds(KamalVersion, TEXTS, TEXTS),
    file=TEXTS,
    destination=st.none() | TEXTS,
    verdict=st.sampled_from(Verdict),
    forwarding=st.builds(Forwarding, st.booleans(), st.none() | st.integers(1, 65535), TEXTS, st.none() | SPANS),
    traces=tuples(TRACES, most=2),
    findings=tuples(FINDINGS, most=2),
    ignored=st.dictionaries(CODES, st.integers(1, 9), max_size=2),
    skipped=tuples(st.builds(Skipped, TEXTS, TEXTS, st.booleans()), most=2),
    own_port=tuples(st.builds(OwnPort, TEXTS, st.integers(1, 65535), st.sampled_from(Answers), TEXTS), most=2),
    total_ms=st.floats(0, 1e6),
)
