"""Who may have connections made: the events of GitHub in which deploy.yml comes from those whose key it is.

A deploy.yml says where a key logs in, and which commands start. In a pull request of a fork, and in the events that
run for one with the repository's secrets, anybody may have written it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from kamal_forward_check.check import check as walked
from kamal_forward_check.model import ROUTES, Report, Skipped, Vantage, Verdict
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import System

CONNECTING = (
    *("push", "schedule", "workflow_dispatch", "workflow_call", "merge_group"),
    *("release", "deployment", "repository_dispatch"),
)
"""Besides a pull request of the repository's own."""

_FILE_ALONE = "only the file was judged"


def check(settings: Settings, system: System, vantage: Vantage) -> Report:
    """Check, or judge the file alone where the event is not one to connect for. Raises CannotCheck."""
    why = "" if vantage is Vantage.LOCAL or settings.mode != "check" else why_not(settings, system)
    if not why:
        return walked(settings, system, vantage)
    report = walked(replace(settings, mode="validate"), system, vantage)
    if not report.forwarding.needed:
        return report
    others = (item for item in report.skipped if item.what != ROUTES)
    verdict = Verdict.INCOMPLETE if report.verdict is Verdict.PASS else report.verdict
    return replace(report, verdict=verdict, skipped=(Skipped(ROUTES, why), *others))


def why_not(settings: Settings, system: System) -> str:
    """Why no connection is made for this event; empty where one is."""
    name = system.environ.get("GITHUB_EVENT_NAME", "")
    if name in CONNECTING:
        return ""
    if name != "pull_request":
        events = ", ".join(CONNECTING)
        return (
            f"in the event {name or '(none is named)'} anybody may have written deploy.yml: {_FILE_ALONE}; connections"
            f" are made on {events}, and on pull_request of the same repository"
        )
    if not can_hold_credentials(settings, system):
        return f"GitHub gives no secrets to a pull request of a fork or of Dependabot: {_FILE_ALONE}"
    own = _is_own(_event(system))
    if own is None:
        return f"the event does not say which repository the pull request comes from: {_FILE_ALONE}"
    return "" if own else f"the pull request of a fork says where your key would log in: {_FILE_ALONE}"


def can_hold_credentials(settings: Settings, system: System) -> bool:
    """False for a pull request of a fork, or of Dependabot, without a key: the runner gives it no secrets."""
    environ = system.environ
    if environ.get("GITHUB_EVENT_NAME") != "pull_request" or _has_key(settings, system):
        return True
    return environ.get("GITHUB_ACTOR") != "dependabot[bot]" and _is_own(_event(system)) is not False


def _has_key(settings: Settings, system: System) -> bool:
    agent = system.environ.get("SSH_AUTH_SOCK", "")
    return bool(settings.private_keys.strip() or settings.identities or Path(agent).is_socket())


def _event(system: System) -> Any:
    text = system.read_text(Path(system.environ.get("GITHUB_EVENT_PATH", ""))) or "{}"
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _is_own(event: Any) -> bool | None:
    """Whether the event's pull request comes from its own repository; a deleted one is null. None: it does not say."""
    try:
        head, base = event["pull_request"]["head"]["repo"], event["pull_request"]["base"]["repo"]
        return head is not None and bool(head["full_name"] == base["full_name"])
    except (KeyError, TypeError):
        return None
