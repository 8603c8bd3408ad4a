"""deploy.yml, as Kamal reads it: rendered, parsed, merged with its destination, and judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kamal_forward_check.deploy import document, files, overlay, schema, semantics
from kamal_forward_check.deploy import kamal_version as version
from kamal_forward_check.deploy.source import Source
from kamal_forward_check.deploy.subject import Subject
from kamal_forward_check.model import CONFIG_FILE, DeployConfig, KamalVersion, Node, Problem, ProblemKind, Severity
from kamal_forward_check.system import System

__all__ = ["NAME_A_FILE", "judged", "load", "read"]

NAME_A_FILE = f"Kamal's configuration is {CONFIG_FILE} in the project's folder: go there, or name the file"
"""What to do where there is none to read."""


def load(system: System, file: str, destination: str | None, kamal_version: str | None) -> DeployConfig:
    """Read `file` and the file of `destination`, and judge the two as one: `read`, then `judged`."""
    return judged(read(system, file, destination, kamal_version), system)


def read(system: System, file: str, destination: str | None, kamal_version: str | None) -> DeployConfig:
    """Read `file` and the file of `destination` as one. The problems are those that stand in the way of reading.

    Raises:
        CannotCheck: a file is not there, or `kamal_version` is no Kamal that is known here.
    """
    destination = destination or None
    kamal = version.find(system, file, kamal_version)
    halves = [_read(system, file, destination, kamal, NAME_A_FILE)]
    if destination:
        over = overlay.file_of(file, destination)
        halves.append(_read(system, over, destination, kamal, _there_are(overlay.destinations(system, file))))
    problems = _in_order([problem for half in halves for problem in half.problems])
    roots = [half.root for half in halves if half.root]
    root = None
    if len(roots) == len(halves):
        root = overlay.merged(roots[0], roots[-1]) if destination else roots[0]
    return DeployConfig(file, destination, kamal, root, problems, guessed=any(half.guessed for half in halves))


def judged(config: DeployConfig, system: System) -> DeployConfig:
    """`config` with all that Kamal would reject in it: what the schema says, and what no schema can say."""
    if config.root is None:
        return config
    subject = Subject(config.root, config.kamal, config.destination, exists=lambda path: system.path(path).exists())
    problems = [*schema.judge(config.root, config.kamal), *semantics.judge(subject)]
    if config.guessed:
        problems = [_less_sure(problem) for problem in problems]
    if not config.destination and (others := overlay.destinations(system, config.file)):
        problems = [_half_of_a_pair(problem, others) for problem in problems]
    return replace(config, problems=_in_order([*config.problems, *problems]))


@dataclass(frozen=True, slots=True)
class _Half:
    """One of the two files. No root where the text is no YAML mapping."""

    root: Node | None
    problems: list[Problem]
    guessed: bool = False


def _read(system: System, file: str, destination: str | None, kamal: KamalVersion, hint: str) -> _Half:
    text, problems = files.read(system, file, hint)
    if text is None:
        return _Half(None, problems)
    if "<%" not in text:
        root, of_the_text = document.read(Source.plain(file, text))
        return _Half(root, [*problems, *of_the_text])
    # Most files are no templates, and the interpreter takes its time to load.
    from kamal_forward_check.deploy import erb

    environ = {name: value for name, value in system.environ.items() if name != "KAMAL_DESTINATION"}
    if destination:
        environ["KAMAL_DESTINATION"] = destination  # Kamal sets it before it renders
    rendered = erb.render(file, text, environ, kamal)
    if rendered.source is None:
        return _Half(None, [*problems, *rendered.problems])
    root, of_the_text = document.read(rendered.source)
    return _Half(root, [*problems, *rendered.problems, *of_the_text], rendered.guessed)


def _there_are(destinations: tuple[str, ...]) -> str:
    return f"There are {', '.join(destinations)}." if destinations else "There is no destination's file beside it."


def _half_of_a_pair(problem: Problem, destinations: tuple[str, ...]) -> Problem:
    if problem.kind is not ProblemKind.MISSING:
        return problem
    hint = f"No destination is given. {_there_are(destinations)} Use --destination."
    return replace(problem, hint=f"{hint} {problem.hint}".rstrip())


def _less_sure(problem: Problem) -> Problem:
    if problem.severity is not Severity.ERROR:
        return problem
    hint = f"ERB that can't be run here decides what Kamal sees of this. {problem.hint}".rstrip()
    return replace(problem, severity=Severity.WARNING, hint=hint)


def _in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """As a person reads: the base file from the top, then the destination's."""
    files = {problem.at.file: None for problem in problems}
    order = sorted(files, key=len)  # deploy.yml before deploy.staging.yml
    return tuple(
        sorted(problems, key=lambda problem: (order.index(problem.at.file), problem.at.line, problem.at.column))
    )
