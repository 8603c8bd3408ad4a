"""The run, in order. Read this first: facts in, findings out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kamal_forward_check import __version__, deploy, dotenv, route
from kamal_forward_check.errors import CannotCheck, Interrupted
from kamal_forward_check.model import (
    ROUTES,
    DeployConfig,
    Finding,
    Plan,
    Report,
    Severity,
    Skipped,
    Stage,
    Status,
    Trace,
    Vantage,
    Verdict,
)
from kamal_forward_check.model.texts import without
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import System

if TYPE_CHECKING:
    from kamal_forward_check.probe.own_port import Look
    from kamal_forward_check.probe.walk import Walk

_PORTS = range(1, 1 << 16)


def check(settings: Settings, system: System, vantage: Vantage) -> Report:
    """Judge the file, walk the routes, say why they stop.

    Raises CannotCheck where there is nothing to judge, and Interrupted where a walk was.
    """
    start = system.clock()
    _must_be_there(settings, system)
    system = dotenv.added(system, settings.env_file)
    config = deploy.read(system, settings.config_file, settings.destination, settings.kamal_version)
    # Where the file alone is judged, the verdict is not to depend on this machine's ssh_config or docker.
    plan = route.plan(config, settings, system, vantage) if settings.mode == "check" else _unplanned(config)
    own_port = _own_port(plan, settings, vantage)
    with _walk(plan, settings, system, vantage) as walk:
        # While servers answer: to judge the file takes as long as a login.
        config = deploy.judged(config, system)
        from kamal_forward_check.rules import Facts, judge

        traces, interrupted = _walked(walk) if walk else ((), False)
    if settings.compare_direct and walk and not interrupted:
        from kamal_forward_check.probe import direct

        traces = direct.compare(traces, system, vantage, settings.timeout - (system.clock() - start))
    facts = Facts(
        vantage=vantage,
        config=config,
        problems=(*config.problems, *plan.problems),
        secrets=route.secrets_for_keys(config, system),
        traces=traces,
        forwarding=plan.forwarding,
        own_port=own_port.finish() if own_port and not interrupted else (),
    )
    found = judge(facts)
    findings = tuple(finding for finding in found if finding.code not in settings.ignore)
    skipped = (*plan.skipped, *_unseen(traces), *_unwalked(plan, settings, vantage), *_unasked(traces, system, vantage))
    report = Report(
        tool_version=__version__,
        vantage=vantage,
        kamal=config.kamal,
        file=config.file,
        destination=config.destination,
        verdict=_verdict(findings, traces, skipped),
        forwarding=plan.forwarding,
        traces=traces,
        findings=findings,
        ignored=dict(Counter(finding.code for finding in found if finding.code in settings.ignore)),
        skipped=skipped,
        own_port=facts.own_port,
        total_ms=(system.clock() - start) * 1000,
    )
    secrets = route.to_hide(config, plan, system)
    report = replace(without(report, secrets), secrets=secrets)
    if interrupted:
        raise Interrupted(report)
    return report


def _must_be_there(settings: Settings, system: System) -> None:
    """Files that a person named: without one of them, what the check says would be about another check."""
    for option, files in (("identity", settings.identities), ("known-hosts", (settings.known_hosts_file,))):
        for file in filter(None, files):
            if why := system.unreadable(file):
                raise CannotCheck(f"--{option}: cannot read {file}: {why}", f"name the file, or leave --{option} out")


def _unplanned(config: DeployConfig) -> Plan:
    """Whether a forward is needed, and no more."""
    needed = route.forwarding(config)
    return Plan(needed, skipped=() if config.root else (Skipped(config.file, needed.reason),))


def _walk(plan: Plan, settings: Settings, system: System, vantage: Vantage) -> AbstractContextManager[Walk | None]:
    if settings.mode != "check" or not plan.routes:
        return nullcontext()
    # The SSH libraries take longer to load than most files take to judge.
    from kamal_forward_check.probe.walk import Walk

    return Walk(plan.routes, system, vantage, settings.timeout)


def _walked(walk: Walk) -> tuple[tuple[Trace, ...], bool]:
    """What was seen, and whether the walk was ended from outside."""
    try:
        return walk.finish(), False
    except KeyboardInterrupt:
        return walk.so_far("the check was interrupted"), True


def _own_port(plan: Plan, settings: Settings, vantage: Vantage) -> Look | None:
    """A look at what Kamal's forwards will end at, where this is the machine that deploys."""
    port = plan.forwarding.port
    if settings.mode != "check" or not plan.routes or vantage is Vantage.CONTAINER or port is None:
        return None
    from kamal_forward_check.probe.own_port import Look

    return Look(port) if port in _PORTS else None


def _verdict(findings: Iterable[Finding], traces: Iterable[Trace], skipped: Iterable[Skipped]) -> Verdict:
    """Fail where a route stops or Kamal would reject the file; never pass while a needed forward was not asked for.

    An ignored finding about the file does not count; a stopped route does, whatever is ignored.
    """
    verdicts = {trace.verdict for trace in traces}
    if Verdict.FAIL in verdicts or any(finding.severity is Severity.ERROR for finding in findings):
        return Verdict.FAIL
    if Verdict.INCOMPLETE in verdicts or any(item.needed for item in skipped):
        return Verdict.INCOMPLETE
    return Verdict.PASS


def _unseen(traces: Iterable[Trace]) -> Iterable[Skipped]:
    """What the walk did not come to see, each reason once."""
    for trace in traces:
        for hop in trace.hops:
            for seen in hop.stages:
                if seen.status is Status.SKIPPED and seen.stage is Stage.DATA:
                    yield Skipped(f"data through the forward on {hop.hop.host}", seen.detail, needed=False)
                elif seen.status is Status.SKIPPED:
                    at = "" if hop.hop == trace.route.target else f"{hop.hop.host}: "
                    yield Skipped(f"the forward on {trace.route.target.host}", f"{at}{seen.detail}")


def _unasked(traces: Iterable[Trace], system: System, vantage: Vantage) -> Iterable[Skipped]:
    """An agent that is named and is not there, where it may matter. A container has its own words for that."""
    agent = system.environ.get("SSH_AUTH_SOCK")
    stopped = any(trace.verdict is not Verdict.PASS for trace in traces)
    if stopped and agent and vantage is not Vantage.CONTAINER and not Path(agent).is_socket():
        why = (
            f"SSH_AUTH_SOCK is {agent}, where no agent listens: start one and add the key (ssh-add), or give --identity"
        )
        yield Skipped("the keys of the agent", why, needed=False)


def _unwalked(plan: Plan, settings: Settings, vantage: Vantage) -> Iterable[Skipped]:
    if settings.mode != "check" and plan.forwarding.needed:
        yield Skipped(ROUTES, "only the file was to be judged", needed=False)
    elif vantage is Vantage.CONTAINER and plan.routes:
        why = "the container's localhost is not the runner's; our own end stood in for the registry"
        yield Skipped(f"localhost:{plan.forwarding.port} of the runner", why, needed=False)
