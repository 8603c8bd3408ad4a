"""KF9xx: what no other rule explains. Better no explanation than a wrong one, and never silence."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Fix
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import Hit, rule

CODE = "KF901"


@rule(CODE, name="unexplained", title="A hop stops the route, and no rule knows why")
def unexplained(facts: Facts) -> Iterator[Hit]:
    """
    A hop stopped the route in a way that no rule knows. Better no explanation than a wrong one.

    ## Fix
    Look at what was seen, and please report it with the JSON report: it is a gap of this tool.

    ## See it by hand
    `ssh -vvv` to the hop that the report names.
    """
    for stop in facts.all_stops:
        hop, seen = stop.seen.hop, stop.observation
        if all((hop, host) in facts.explained for host in stop.affects):
            continue
        yield Hit(
            message=f"{hop.host} stops at {seen.stage}: {seen.detail or seen.cause}",
            hop=hop,
            affects=stop.affects,
            location=hop.origin,
            fix=Fix("Please report it with the JSON report: no rule knows this yet."),
            evidence=tuple(text for text in (seen.detail, stop.seen.heard.version) if text),
        )
