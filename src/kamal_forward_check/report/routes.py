"""The routes that Kamal would take, as worked out and not walked."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Hop, Plan
from kamal_forward_check.report.clean import cleaned, no_command


def render(plan: Plan) -> str:
    """Each hop in dialling order, who dials it, and the line that put it there."""
    return "".join(f"{no_command(line)}\n" for line in _lines(cleaned(plan)))


def _lines(plan: Plan) -> Iterator[str]:
    forwarding = plan.forwarding
    at = f" ({forwarding.at})" if forwarding.at else ""
    yield ("forward: " if forwarding.needed else "no forward: ") + forwarding.reason + at
    for route in plan.routes:
        yield ""
        yield f"{route.purpose}: {route.target.name} listens on {route.listen}:{route.port}"
        yield from (f"  {_hop(hop)}" for hop in route.hops)
    if plan.skipped:
        yield ""
    yield from (f"not known: {item.what}: {item.why}" for item in plan.skipped)


def _hop(hop: Hop) -> str:
    through = f", through `{hop.proxy_command}`" if hop.proxy_command else ""
    where = f"  {hop.origin}" if hop.origin else f"  {hop.host.source}"
    address = "" if hop.address == hop.host.value else f" at {hop.address}"
    return f"{hop.role} {hop.name}{address}, dialled by {hop.dialled_by}{through}{where}"
