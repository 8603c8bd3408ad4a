"""A route's jumps crossed by Kamal's own ssh, where our SSH library can't tell how it would fare there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kamal_forward_check.model import HopTrace, Observation, Route, Stage, Status, Vantage
from kamal_forward_check.probe import ssh_words
from kamal_forward_check.probe.enter import World, enter
from kamal_forward_check.probe.live import Live
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.ssh_words import Said
from kamal_forward_check.probe.vantage import unseen

BY_SSH = "by the system's ssh"

_ENTERING = (Stage.REACH, Stage.HOST_KEY, Stage.LOGIN)
_ORDER = {stage: number for number, stage in enumerate(Stage)}


@dataclass(frozen=True, slots=True)
class Crossing:
    """How ssh fared: the target's connection where it was entered, and what was seen of each jump."""

    live: Live | None
    jumps: tuple[HopTrace, ...]

    @property
    def ends_at_a_jump(self) -> bool:
        """It tells the same for every target behind these jumps: one of them could not be entered."""
        return any(
            seen.status is not Status.PASS and seen.stage is not Stage.FORWARD
            for jump in self.jumps
            for seen in jump.stages
        )


def cross(route: Route, notes: Sequence[Notes], target: Notes, world: World, limit: float) -> Crossing:
    """Cross the jumps, of which `notes` tell how far we came, and enter the target, within `limit` seconds."""
    jumps = [each.trace() for each in notes]
    stopped = next(number for number, jump in enumerate(jumps) if _undecided(jump))
    command = world.ssh.start(route)
    entry = enter(target, None, world, limit, by=command)
    if target.heard.version:  # the target's own banner came through: every jump let it pass
        spent = target.stages[0].ms
        passed = [_passed(jump, spent if number == stopped else 0.0) for number, jump in enumerate(jumps)]
        return Crossing(entry.live, tuple(passed))
    failed = target.stages.pop()
    command.heard_out()
    said = ssh_words.read(command.said)
    if said is None and failed.cause and ssh_words.logins(command.said) == len(jumps):
        said = Said(len(jumps), failed.stage, failed.cause, failed.detail)  # silent as long as all is well with it
    if said and (_contradicts(said, stopped, jumps) or _is_of_here(said, route, world)):
        said = None
    if said is None:
        return Crossing(None, tuple(_told(jump, command.said) for jump in jumps))
    if said.hop == len(jumps):
        target.failed(said.stage, failed.ms, said.cause, said.words)
    return Crossing(None, tuple(_seen(jump, number, said, failed.ms) for number, jump in enumerate(jumps)))


def _undecided(jump: HopTrace) -> bool:
    return any(seen.status is Status.SKIPPED for seen in jump.stages)


def _contradicts(said: Said, stopped: int, jumps: Sequence[HopTrace]) -> bool:
    """ssh stopped where we came through: by chance, or since we had just been there."""
    if said.hop != stopped:
        return not stopped <= said.hop <= len(jumps)
    ours = next(seen.stage for seen in jumps[stopped].stages if seen.status is Status.SKIPPED)
    return _ORDER[said.stage] < _ORDER[ours]


def _is_of_here(said: Said, route: Route, world: World) -> bool:
    """In a container ssh may stop at a jump where Kamal's, which is another one with other files, does not."""
    if world.vantage is not Vantage.CONTAINER or said.hop == len(route.jumps):
        return False
    return bool(unseen(world.vantage, route.jumps[said.hop], said.cause, said.words, first=said.hop == 0))


def _entered(jump: HopTrace, ms: float) -> list[Observation]:
    """What was seen of a jump that ssh entered. Its host key is not ours to speak of, unless we saw it ourselves."""
    seen = {each.stage: each for each in jump.stages if each.status is Status.PASS}
    reached, login = Observation(Stage.REACH, Status.PASS), Observation(Stage.LOGIN, Status.PASS, ms, detail=BY_SSH)
    ways = {Stage.REACH: reached, Stage.LOGIN: login} | seen
    return [ways[stage] for stage in _ENTERING if stage in ways]


def _passed(jump: HopTrace, ms: float) -> HopTrace:
    return replace(jump, stages=(*_entered(jump, ms), Observation(Stage.FORWARD, Status.PASS, detail=BY_SSH)))


def _seen(jump: HopTrace, number: int, said: Said, ms: float) -> HopTrace:
    if number < said.hop:
        return _passed(jump, 0.0)
    if number > said.hop:
        return replace(jump, stages=())
    before = [seen for seen in _entered(jump, 0.0) if _ORDER[seen.stage] < _ORDER[said.stage]]
    reason = " ".join((said.words, *(f"({seen.detail})" for seen in jump.stages if seen.status is Status.SKIPPED)))
    return replace(jump, stages=(*before, Observation(said.stage, Status.FAIL, ms, said.cause, reason)))


def _told(jump: HopTrace, stderr: str) -> HopTrace:
    """What was not decided stays so; what ssh said is told with it."""
    words = ssh_words.last_words(stderr) or "gave no answer in time"
    return replace(
        jump,
        stages=tuple(
            replace(seen, detail=f"{seen.detail}; Kamal's own ssh: {words}") if seen.status is Status.SKIPPED else seen
            for seen in jump.stages
        ),
    )
