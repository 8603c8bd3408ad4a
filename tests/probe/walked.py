"""What a walk came to."""

from __future__ import annotations

from kamal_forward_check.model import Stage, Status, Trace


def at(trace: Trace, stage: Stage) -> tuple[Status, str]:
    """How a stage of the target ended, and what was noted."""
    seen = trace.hops[-1].at(stage)
    assert seen, f"{stage} was not come to"
    return seen.status, seen.detail
