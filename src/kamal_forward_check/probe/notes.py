"""What is being seen of one hop while it is walked."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from kamal_forward_check.model import (
    Aside,
    AsideAnswer,
    Beside,
    Cause,
    Heard,
    Hop,
    HopTrace,
    HostKey,
    LoginTrace,
    Observation,
    Stage,
    Status,
)


@dataclass(slots=True)
class Notes:
    """One hop's notes. One thread writes; `trace()` may be taken at any time, also when time is up."""

    hop: Hop
    stages: list[Observation] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    host_key: HostKey | None = None
    opened_by: str = ""
    opened_by_identity: bool = False
    login: LoginTrace = field(default_factory=LoginTrace)
    asides: dict[Aside, AsideAnswer] = field(default_factory=dict)
    host_said: dict[str, str] = field(default_factory=dict)
    not_asked: str = ""
    held_ms: float = 0.0
    so_far: Observation | None = None
    """What stands of a stage that is still being looked into: it holds where that is cut short."""
    no_commands: str = ""
    beside: frozenset[Beside] = frozenset()

    def passed(self, stage: Stage, ms: float, detail: str = "") -> None:
        """The stage passed."""
        self.stages.append(Observation(stage, Status.PASS, ms, detail=detail))

    def failed(self, stage: Stage, ms: float, cause: Cause, detail: str = "") -> None:
        """The stage stopped the hop."""
        self.stages.append(Observation(stage, Status.FAIL, ms, cause, detail))

    def skipped(self, stage: Stage, cause: Cause, detail: str = "") -> None:
        """The stage was not looked at."""
        self.stages.append(Observation(stage, Status.SKIPPED, 0.0, cause, detail))

    @property
    def undecided(self) -> bool:
        """The hop was not entered, and what was seen proves nothing."""
        return bool(self.stages) and self.stages[-1].status is Status.SKIPPED

    def cut_short(self, why: str) -> None:
        """There was an end to it: what was seen so far holds, and what was not come to was not looked at."""
        seen = {each.stage for each in self.stages}
        if self.so_far and self.so_far.stage not in seen:
            self.stages.append(self.so_far)
        else:
            stage = Stage.DATA if Stage.LISTEN in seen else Stage.LISTEN
            self.skipped(stage, Cause.OUT_OF_TIME, why)

    def trace(self, *more: Observation) -> HopTrace:
        """The notes as they stand, with what was seen on one route only."""
        return HopTrace(
            hop=self.hop,
            stages=(*self.stages, *more),
            heard=self.heard,
            host_key=self.host_key,
            opened_by=self.opened_by,
            opened_by_identity=self.opened_by_identity,
            login=self.login,
            asides=dict(self.asides),
            host_said=dict(self.host_said),
            not_asked=self.not_asked,
            held_ms=self.held_ms,
            no_commands=self.no_commands,
            beside=self.beside,
        )


class Stopwatch:
    """Milliseconds since the last lap."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def lap(self) -> float:
        """The milliseconds since the last call, or since the start."""
        now = time.monotonic()
        ms, self._since = (now - self._since) * 1000, now
        return ms
