"""KF8xx: a target that stops behind a jump, tried without the jump (--compare-direct), and what that proves."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Fix, HopTrace, Observation, Severity, Stage, Status, Trace
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import Hit, rule


def _compared(facts: Facts) -> Iterator[tuple[Trace, HopTrace, Observation]]:
    """Routes with a comparison: the target without its jumps, and what stopped it through them."""
    for trace in facts.traces:
        if trace.direct and trace.failing and trace.failing.stopped:
            yield trace, trace.direct, trace.failing.stopped


def _is_same_machine(trace: Trace, direct: HopTrace) -> bool:
    through = trace.hops[-1].host_key
    return bool(through and direct.host_key and through.fingerprint == direct.host_key.fingerprint)


def _is_same_end(direct: HopTrace, through: Observation) -> bool:
    return bool(direct.stopped and (direct.stopped.stage, direct.stopped.cause) == (through.stage, through.cause))


def _hit(trace: Trace, message: str, fix: str, evidence: str, **more: object) -> Hit:
    jump = trace.route.jumps[-1]
    host = trace.route.target.host.value
    return Hit(
        message=message,
        hop=trace.route.target,
        affects=(host,),
        location=jump.origin,
        fix=Fix(fix),
        evidence=(evidence,),
        same=(jump, *more.values()),
    )


@rule("KF801", name="works-without-the-jump", title="Without the jump, the same machine grants the forward",
      severity=Severity.NOTICE)  # fmt: skip
def works_without_the_jump(facts: Facts) -> Iterator[Hit]:
    """
    Asked by `--compare-direct`: the target showed the very host key that it showed through the jump, let us in, and
    granted the forward. So it is the way over the jump that stops it: the jump itself, or what the target decides by
    the address that a login comes from, which is the jump's (`Match Address`, AllowUsers with an address, `from=` in
    authorized_keys).

    ## Fix
    Look at what the target decides by address; or leave `ssh.proxy` out, where the target can be reached without.

    ## See it by hand
    `sshd -T -C user=USER,host=H,addr=ADDRESS` on the target, once with the jump's address and once with your own.
    """
    for trace, direct, through in _compared(facts):
        if _is_same_machine(trace, direct) and direct.status is Status.PASS:
            host, jump = trace.route.target.host, trace.route.jumps[-1].host
            yield _hit(
                trace,
                f"without the jump {jump}, {host} (the same host key) grants the forward: the jump is what stops it, "
                f"or a rule of {host} for the address that a login comes from (Match Address, from=)",
                f"Look on {host} for what is decided by address; or leave ssh.proxy out.",
                f"through {jump} it stopped at {through.stage}; without it, the forward was granted",
                stage=through.stage,
            )


@rule("KF802", name="stops-without-the-jump", title="Without the jump, the target stops in the same way",
      severity=Severity.NOTICE)  # fmt: skip
def stops_without_the_jump(facts: Facts) -> Iterator[Hit]:
    """
    Asked by `--compare-direct`: the target showed the very host key that it showed through the jump, and stopped at
    the same stage, in the same way. The jump is not the cause.

    ## Fix
    That of the finding for the target.

    ## See it by hand
    The same `ssh` command with and without `-J JUMP`.
    """
    for trace, direct, through in _compared(facts):
        if _is_same_machine(trace, direct) and _is_same_end(direct, through):
            host, jump = trace.route.target.host, trace.route.jumps[-1].host
            yield _hit(
                trace,
                f"without the jump {jump}, {host} (the same host key) stops in the same way: the jump is not the cause",
                f"Change {host}, as the finding for it says.",
                f"both ways it stopped at {through.stage}",
                stage=through.stage,
            )


@rule("KF803", name="nothing-compared", title="The way without the jump proves nothing", severity=Severity.NOTICE)
def nothing_compared(facts: Facts) -> Iterator[Hit]:
    """
    Asked by `--compare-direct`, and nothing can be concluded: the target's address does not answer from here, another
    machine answers there (a private address may be anyone's), the jump let us see no host key to compare with, or
    the target stopped in another way. Where the host key was not the one seen through the jump, no login was offered.

    ## Fix
    That of the finding for the target, or for the jump.

    ## See it by hand
    `ssh-keyscan TARGET` here and on the jump: the keys of one machine are equal.
    """
    for trace, direct, through in _compared(facts):
        if why := _undecided(trace, direct, through):
            host, jump = trace.route.target.host, trace.route.jumps[-1].host
            yield _hit(
                trace,
                f"without the jump {jump}: {why}, so nothing is concluded",
                f"Go by the other finding: what was tried without {jump} says nothing about {host}.",
                f"without {jump}: {why}",
                why=why.replace(host.value, ""),
            )


def _undecided(trace: Trace, direct: HopTrace, through: Observation) -> str:
    host, port = trace.route.target.address, trace.route.target.port
    last = direct.stages[-1] if direct.stages else None
    words = (last.detail or last.cause or "time was up") if last else "time was up"
    if not direct.host_key:
        return f"{host}:{port} is not reached from here ({words})"
    if not trace.hops[-1].host_key:
        return f"SSH answers on {host}:{port} from here, and through the jump no host key was seen to compare with"
    if not _is_same_machine(trace, direct):
        return f"another machine answers on {host}:{port} from here (its host key is another)"
    if direct.status is Status.PASS or _is_same_end(direct, through):
        return ""
    stage = last.stage if last else Stage.REACH
    return f"{host} stops in another way, at {stage} ({words})"
