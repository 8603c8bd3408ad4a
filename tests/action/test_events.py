"""Who may have connections made, and what becomes of a check that may not."""

from __future__ import annotations

from typing import Any

import pytest

from kamal_forward_check.events import CONNECTING
from tests.action.conftest import Action, Ended
from tests.action.keys import KEY

LOCAL = """\
service: shop
image: shop
servers: [127.0.0.1]
registry: {server: localhost:5555}
builder: {arch: amd64}
"""
FORK = {"pull_request": {"head": {"repo": {"full_name": "eve/shop"}}, "base": {"repo": {"full_name": "octo/shop"}}}}
OWN = {"pull_request": {"head": {"repo": {"full_name": "octo/shop"}}, "base": {"repo": {"full_name": "octo/shop"}}}}
DELETED = {"pull_request": {"head": {"repo": None}, "base": {"repo": {"full_name": "octo/shop"}}}}
ASKED = """
from kamal_forward_check import check as module
real = module.check
def check(settings, system, vantage):
    print("asked to", settings.mode)
    return real(settings, system, vantage)
module.check = check
"""


def run(action: Action, name: str, event: Any, **given: str) -> Ended:
    action.write("config/deploy.yml", LOCAL)
    action.event(name, event)
    action.environ["GITHUB_ACTOR"] = given.pop("actor", "octo")
    return action.run(ASKED, **given)


@pytest.mark.parametrize(
    ("name", "event"), [*((name, {}) for name in CONNECTING), ("pull_request", OWN)], ids=[*CONNECTING, "pull_request"]
)
def test_an_event_of_the_repositorys_own_connects(action: Action, name: str, event: Any) -> None:
    ended = run(action, name, event)
    assert "asked to check" in ended.step.text
    assert "only the file was judged" not in ended.printed


@pytest.mark.parametrize(
    ("name", "event", "given", "status", "words"),
    [
        ("pull_request", FORK, {}, 0, "gives no secrets"),
        ("pull_request", DELETED, {}, 0, "gives no secrets"),
        ("pull_request", OWN, {"actor": "dependabot[bot]"}, 0, "gives no secrets"),
        ("pull_request", FORK, {"ssh_private_key": KEY}, 2, "says where your key would log in"),
        ("pull_request", [], {}, 2, "does not say which repository"),
        ("pull_request_target", OWN, {}, 2, "in the event pull_request_target anybody"),
        ("workflow_run", {}, {}, 2, "in the event workflow_run anybody"),
        ("issue_comment", {}, {}, 2, "in the event issue_comment anybody"),
    ],
    ids=range(8),
)
def test_other_events_have_the_file_alone_judged(
    action: Action, name: str, event: Any, given: dict[str, str], status: int, words: str
) -> None:
    ended = run(action, name, event, **given)
    assert "asked to validate" in ended.step.text
    assert (ended.status, ended.outputs["verdict"]) == (status, "incomplete")
    (said,) = ended.step.named("error" if status else "warning")
    assert words in said.data
    assert said.properties["title"] == "Not looked at: the SSH routes"
    assert (said.properties["file"], said.properties["line"]) == ("config/deploy.yml", "4")


def test_a_fault_of_the_file_fails_whoever_asks(action: Action) -> None:
    action.write("bad.yml", LOCAL + "sevrice: x\n")
    ended = run(action, "pull_request", FORK, config_file="bad.yml")
    assert (ended.status, ended.outputs["verdict"]) == (1, "fail")


def test_a_file_that_needs_no_forward_passes_whoever_asks(action: Action) -> None:
    action.write("remote.yml", LOCAL.replace("localhost:5555", "ghcr.io, username: u, password: [P]"))
    ended = run(action, "pull_request_target", FORK, config_file="remote.yml")
    assert (ended.status, ended.outputs["verdict"]) == (0, "pass")
