"""What both doors share: where the check runs, and a report handed to whoever asked for it.

On GitHub's runner that means annotations and a log on standard output, a job summary, outputs, and the JSON
report in the workspace; a `run:` step with `--format github` gets them as the action does.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kamal_forward_check import __version__
from kamal_forward_check.errors import CannotCheck, Exit, exit_status
from kamal_forward_check.model import (
    Forwarding,
    KamalVersion,
    Report,
    Severity,
    Skipped,
    Vantage,
    Verdict,
)
from kamal_forward_check.settings import Settings, as_flags
from kamal_forward_check.system import System

if TYPE_CHECKING:
    from kamal_forward_check.log.explain import Explained

_CODE = re.compile(r"(?i)KF\d+")
_NARROWEST, _WIDEST = 60, 200
_LOG_WIDTH = 120


def vantage(system: System) -> Vantage:
    """Where a command line runs: on a runner, or on a person's machine."""
    return Vantage.RUNNER if on_github(system) else Vantage.LOCAL


def on_github(system: System) -> bool:
    """Whether this is a step of a workflow."""
    return system.environ.get("GITHUB_ACTIONS") == "true"


def status(report: Report, settings: Settings, system: System) -> Exit:
    """The exit status. Incomplete is no failure for a pull request that can't hold credentials."""
    from kamal_forward_check import events

    able = events.can_hold_credentials(settings, system)
    return exit_status(report, settings.fail_on, can_hold_credentials=able)


def write(report: Report, settings: Settings, system: System) -> None:
    """Hand the report on in the format that was asked for. Raises CannotCheck where it can't be written."""
    if settings.format == "github" and on_github(system):
        publish(report, settings, system, status(report, settings, system))
        return
    _hand_on(_render(report, settings, system), settings, system)


def write_script(report: Report, settings: Settings, system: System) -> Exit:
    """Hand on the script that mends what `report` found: 1 where there is a fault that no script can mend.

    Raises CannotCheck where no route has the hop that was named, where nothing is known, or a file can't be written.
    """
    from kamal_forward_check.report import script, words

    hops = script.hops(report)
    for name in settings.hop:
        if not any(name in script.names(hop) for hop in hops):
            known = ", ".join(hop.name for hop in hops) or "no hop at all: run check"
            raise CannotCheck(f"--hop {name}: no route that was walked has it", f"the routes have {known}")
    chosen = script.blocks(report, settings.hop)
    if not chosen and report.verdict is Verdict.INCOMPLETE:
        raise CannotCheck(words.headline(report), "; ".join(f"{item.what}: {item.why}" for item in report.skipped))
    again = shlex.join(["kamal-forward-check", "check", *as_flags(settings, "check")])
    name = system.path(settings.output).name if settings.output else script.DEFAULT_NAME
    text = script.render(chosen, again, name) if chosen else script.nothing(report)
    _hand_on(text, settings, system, mode=0o600)  # root is to run it: nobody else is to have a hand in it
    mended = any(block.steps for block in chosen) if chosen else settings.hop or report.verdict is Verdict.PASS
    return Exit.GOOD if mended else Exit.FOUND


def publish(report: Report, settings: Settings, system: System, ends_with: Exit) -> None:
    """Hand the report to the runner: log and annotations, summary, outputs, JSON.

    What was skipped is an error only where the step `ends_with` a failure. Raises CannotCheck where something
    can't be written; the rest is.
    """
    from kamal_forward_check.report import github, outputs, summary, text, words

    log = text.render(report, color=True, width=_LOG_WIDTH, neighbours=False)
    kind = Severity.ERROR if ends_with else Severity.WARNING
    annotations = github.render(report, lambda file: _in_repository(file, system), skipped_as=kind)
    title = f"{words.VERDICTS[report.verdict]} {words.closing(report)}"
    masks = "".join(map(github.masks, report.secrets))
    _hand_on(masks + github.log(log, title, secrets.token_hex(16)) + annotations, settings, system)
    from kamal_forward_check.report import json as machine

    path, trouble = _in_workspace("report-file", settings.report_file, machine.render(report), system)
    if settings.sarif_file:
        said = _sarif(report, system)
        _, untold = _in_workspace("sarif-file", settings.sarif_file, said, system)
        trouble = trouble or untold
    for name, said in (
        ("GITHUB_STEP_SUMMARY", summary.render(report)),
        ("GITHUB_OUTPUT", _assignments(outputs.outputs(report, path))),
    ):
        if file := system.environ.get(name):
            _write(Path(file), said, "a", "the check itself was made")
    if trouble:
        raise trouble


def unchecked(settings: Settings, here: Vantage, why: str) -> Report:
    """The report of a check that could not be made: incomplete, with the reason."""
    return Report(
        tool_version=__version__,
        vantage=here,
        kamal=KamalVersion(settings.kamal_version or "unknown", "not looked at"),
        file=settings.config_file,
        destination=settings.destination,
        verdict=Verdict.INCOMPLETE,
        forwarding=Forwarding(needed=True, port=None, reason="not worked out: taken as needed"),
        skipped=(Skipped("the whole check", why),),
    )


def _render(report: Report, settings: Settings, system: System) -> str:
    if settings.format == "json":
        from kamal_forward_check.report import json as machine

        return machine.render(report)
    if settings.format == "sarif":
        return _sarif(report, system)
    if settings.format == "github":
        from kamal_forward_check.report import github

        return github.render(report, lambda file: _in_repository(file, system))
    from kamal_forward_check.report import text

    color, width = _terminal(settings, system)
    return text.render(report, color=color, width=width, neighbours=not on_github(system))


def _sarif(report: Report, system: System) -> str:
    from kamal_forward_check.report import sarif
    from kamal_forward_check.rules import RULES

    return sarif.render(report, RULES, lambda file: _in_repository(file, system))


def explain(words: Sequence[str], settings: Settings, system: System) -> Exit:
    """Hand on what `words` come to: a code's page, or what a log tells; without any, the list of codes.

    Raises CannotCheck for what is neither a code nor a log that can be read.
    """
    from kamal_forward_check.report.json import dumped
    from kamal_forward_check.rules import pages

    if settings.format not in ("text", "json"):
        raise CannotCheck(f"explain has no format {settings.format}", "use text or json")
    if not words:
        _hand_on(pages.index(), settings, system)
        return Exit.GOOD
    shown: list[str] = []
    data: list[dict[str, Any]] = []
    known = True
    color, width = _terminal(settings, system)
    for word in words:
        if _CODE.fullmatch(word):
            shown.append(pages.page(word.upper()))
            data.append({"code": word.upper(), "page": shown[-1]})
        else:
            log = _log(word, system)
            shown.append(log.text(color=color, width=width))
            data.append(log.data())
            known = known and bool(log.found)
    machine = settings.format == "json"
    _hand_on(dumped(data) if machine else "\n".join(shown), settings, system)
    return Exit.GOOD if known else Exit.CANNOT_CHECK


def _log(word: str, system: System) -> Explained:
    """The log of this name, explained. Somebody who gave none is told how."""
    from kamal_forward_check.log import explain as log

    if word == log.STDIN and sys.stdin.isatty():
        print("Paste the log, then press Enter and Ctrl-D.", file=sys.stderr)
    return log.explain(word, system, sys.stdin.buffer)


def _terminal(settings: Settings, system: System) -> tuple[bool, int]:
    """Whether to paint, and how wide a line may be."""
    color = not settings.output and sys.stdout.isatty() and not system.environ.get("NO_COLOR")
    return color, min(max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST), _WIDEST)


def _hand_on(text: str, settings: Settings, system: System, mode: int | None = None) -> None:
    """Write `text` to the file that was named for it, which gets `mode`, else to standard output."""
    if settings.output:
        path = system.path(settings.output)
        if mode is not None and not path.exists():
            _touch(path, mode)
        _write(path, text, "w", "name a file that can be written")
        return
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without our signs shows their numbers
    sys.stdout.write(text)
    sys.stdout.flush()


def _touch(path: Path, mode: int) -> None:
    with contextlib.suppress(OSError):  # what stands in the way, writing says
        path.touch(mode)


def _write(path: Path, text: str, mode: str, hint: str) -> None:
    try:
        with path.open(mode, encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise CannotCheck(f"can't write {path}: {error.strerror}", hint) from error


def _workspace(system: System) -> Path:
    return Path(system.environ.get("GITHUB_WORKSPACE") or system.cwd).resolve()


def _in_repository(file: str, system: System) -> str | None:
    """`file`, as it was given, relative to the workspace; None where it lies elsewhere, or is no file."""
    path = system.path(file).resolve()
    workspace = _workspace(system)
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib's raises for a name that is too long
        return None  # as the names of several files are not one
    return path.relative_to(workspace).as_posix() if path.is_relative_to(workspace) else None


def _in_workspace(called: str, name: str, text: str, system: System) -> tuple[str, CannotCheck | None]:
    """Write `text`; where it is in the workspace, or an empty text and why it is not there.

    A link that the repository holds must not lead a container's root out of the workspace.
    """
    hint = "name a file in the workspace, relative to it"
    path = (_workspace(system) / name).resolve()
    if not path.is_relative_to(_workspace(system)):
        return "", CannotCheck(f"{called}: {name} leads out of the workspace", hint)
    try:
        with _owned_as(_workspace(system), path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, text, "w", hint)
    except (CannotCheck, OSError) as error:
        return "", CannotCheck(f"{called}: {error}", hint)
    return path.relative_to(_workspace(system)).as_posix(), None


@contextlib.contextmanager
def _owned_as(workspace: Path, path: Path) -> Iterator[None]:
    """What root makes on the way to `path` belongs to the workspace's owner, whose next checkout removes it."""
    made = [each for each in (path, *path.parents) if not each.exists()] if os.geteuid() == 0 else []
    yield
    owner = workspace.stat()
    for each in made:
        os.chown(each, owner.st_uid, owner.st_gid)


def _assignments(values: Mapping[str, str]) -> str:
    """Lines for GITHUB_OUTPUT; a delimiter that nobody can guess keeps a value from ending early."""
    end = f"kfc_{secrets.token_hex(16)}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())
