"""GitHub's door: the action's inputs in, annotations, summary, outputs, JSON report and an exit status out.

The image runs it as `python -I entrypoint.py`, so that nothing of the workspace is imported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import sys
import traceback
from io import TextIOWrapper
from pathlib import Path

from kamal_forward_check import door, interruption, known_lines, private_keys
from kamal_forward_check.errors import CannotCheck, Exit, Interrupted
from kamal_forward_check.events import check
from kamal_forward_check.model import Vantage
from kamal_forward_check.report import github
from kamal_forward_check.report.clean import one_line
from kamal_forward_check.settings import Settings, from_inputs
from kamal_forward_check.system import System, is_runners
from kamal_forward_check.validate import validate

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the image has its programs: a job's own PATH may name a folder of the workspace."""

_OF_THE_IMAGE = Path(__file__).parent == Path(sys.prefix)
_KNOWN_TO_ALL = Path("/etc/ssh/ssh_known_hosts")


def main() -> int:
    """Check, publish, and give the exit status. No traceback reaches the log, unless the runner debugs."""
    interruption.heed()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever LANG a workflow sets
    try:
        return _run()
    except KeyboardInterrupt:
        print("kamal-forward-check: interrupted; every connection is closed", flush=True)
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - publishing failed, and publishing can't say so
        print(github.error("kamal-forward-check", _words(error)), end="", flush=True)
        return _status(error)


def _run() -> Exit:
    system, settings = System.real(on_runner=True), Settings()
    try:
        settings = from_inputs(system.environ)
        print(github.masks(settings.private_keys), github.masks(settings.key_passphrase), sep="", end="", flush=True)
        settings = _with_keys(settings, system)
        system = _at_work(system, settings)
        _let_commands_know(settings.known_hosts)
        judge = validate if settings.mode == "validate" else check
        report = judge(settings, system, Vantage.CONTAINER)
        ends_with = door.status(report, settings, system)
    except Interrupted as stop:
        door.publish(stop.report, settings, system, Exit.INTERRUPTED)
        raise
    except Exception as error:  # noqa: BLE001 - the reports are written all the same, and say why
        report, ends_with = door.unchecked(settings, Vantage.CONTAINER, _words(error)), _status(error)
    door.publish(report, settings, system, ends_with)
    return ends_with


def _with_keys(settings: Settings, system: System) -> Settings:
    """The settings with keys that can be used as they are; what is to be known of them is said. Raises CannotCheck."""
    if settings.mode != "check":
        return settings
    held = private_keys.read(settings.private_keys, settings.key_passphrase)
    notes = [*held.notes, *known_lines.notes(settings.known_hosts)]
    agent = system.environ.get("SSH_AUTH_SOCK")
    if agent and not held.text and not Path(agent).is_socket():
        notes.append(
            f"SSH_AUTH_SOCK is {agent}, which a container does not see: let the agent listen in the runner's temp"
            " folder (ssh-auth-sock: ${{ runner.temp }}/agent.sock), or give the input ssh-private-key"
        )
    print("".join(github.warning("kamal-forward-check", note) for note in notes), end="", flush=True)
    return dataclasses.replace(settings, private_keys=held.text, key_passphrase="")


def _at_work(system: System, settings: Settings) -> System:
    """The machine as the check may see it: in the working directory, without what only the runner may know."""
    if not any(system.cwd.iterdir()):
        raise CannotCheck("the workspace is empty", "check the repository out before this step, with actions/checkout")
    cwd = system.path(settings.working_directory)
    if not cwd.is_dir():
        hint = "name a folder in the workspace; actions/checkout comes before this step"
        raise CannotCheck(f"working-directory: there is no folder {settings.working_directory}", hint)
    os.chdir(cwd)
    environ = {name: value for name, value in system.environ.items() if not is_runners(name)}
    return dataclasses.replace(system, environ=environ | {"PATH": _PATH}, cwd=cwd)


def _let_commands_know(known_hosts: str) -> None:
    """Write known_hosts where every ssh looks, as one that a proxy command calls: in the image, whose /etc is ours."""
    if _OF_THE_IMAGE and known_hosts.strip():
        with contextlib.suppress(OSError):  # of a container that can't be written to
            _KNOWN_TO_ALL.write_text("".join(f"{line}\n" for line in known_hosts.splitlines()), encoding="utf-8")


def _words(error: Exception) -> str:
    """What ended the check, in one line. The traceback of a bug is shown where the runner debugs."""
    if isinstance(error, CannotCheck):
        return f"{error.message}; {error.hint}" if error.hint else error.message
    if os.environ.get("RUNNER_DEBUG") == "1":
        lines = "".join(traceback.format_exception(error)).splitlines()
        print(github.log("\n".join(map(one_line, lines)), "traceback", secrets.token_hex(16)), end="", flush=True)
    return (
        f"a bug of ours: {type(error).__name__}: {error}; please report it"
        " (running the job again with debug logging shows where it happened)"
    )


def _status(error: Exception) -> Exit:
    return Exit.CANNOT_CHECK if isinstance(error, CannotCheck) else Exit.OUR_BUG


if __name__ == "__main__":
    sys.exit(main())
