"""Both of GitHub's doors against real servers: the action's entrypoint, and the command in a `run:` step."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lab import Home, Lab
from lab.project import deploy_yml, write_project
from tests.action.conftest import COMMAND, Action, Ended

pytestmark = pytest.mark.isolated

PROGRAM = str(Path(sys.executable).with_name("kamal-forward-check"))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        lab.host("bastion", "front", "back", login="ops")
        lab.host("web-1", login="deploy")
        lab.host("web-2", login="deploy", faults=["allow-tcp-forwarding-no-dropin"])
        lab.start()
        yield lab


def step(lab: Lab, home: Home, command: list[str], inputs: Mapping[str, str]) -> tuple[Action, Ended]:
    """A step whose workspace is a project with both targets."""
    action = Action(home.path / "runner")
    action.environ |= home.environ
    write_project(action.workspace, deploy_yml(["web-1", "web-2"], proxy="ops@bastion", user="deploy"))
    # env, as the shell through which the lab enters a namespace drops names with dashes
    environ = [f"{name}={value}" for name, value in action.environment(inputs).items()]
    went = lab.run(["env", *environ, *command], home, cwd=action.workspace)
    return action, action.left(went.returncode, went.stdout, went.stderr)


def test_the_action_needs_no_more_than_a_key_and_known_hosts(lab: Lab) -> None:
    home = lab.home(keys=False)
    key, known = lab.key.read_text(), home.known_hosts.read_text()
    home.known_hosts.unlink()
    action, ended = step(lab, home, COMMAND, {"ssh-private-key": key, "ssh-known-hosts": known})
    assert (ended.status, ended.stderr) == (1, "")
    (error,) = ended.step.named("error")
    assert (error.properties["file"], error.properties["line"]) == ("config/deploy.yml", "7")
    assert (
        '50-hardening.conf:3 on web-2 says "AllowTcpForwarding no"; change it to "AllowTcpForwarding remote".'
        in error.data
    )
    assert (ended.outputs["verdict"], ended.outputs["failing-hop"]) == ("fail", "web-2")
    report = action.report()
    assert report["vantage"] == "container"
    assert [route["verdict"] for route in report["routes"]] == ["pass", "fail"]
    assert report["findings"][0]["server_line"]["certainty"] == "exact"
    published = "\n".join(
        [*ended.step.text, ended.summary, str(report), *(each.data for each in ended.step.annotations)]
    )
    assert not [line for line in key.splitlines() if line in published]


def test_the_action_passes_a_target_that_grants(lab: Lab) -> None:
    home = lab.home(keys=False)
    inputs = {"ssh-private-key": lab.key.read_text(), "ssh-known-hosts": home.known_hosts.read_text(), "hosts": "web-1"}
    _, ended = step(lab, home, COMMAND, inputs)
    assert (ended.status, ended.outputs["verdict"], ended.step.named("error")) == (0, "pass", [])
    assert "Data went from web-1 to our stand-in for the registry and back" in ended.summary


@pytest.mark.parametrize(
    ("missing", "hint"), [("ssh-private-key", "ssh-private-key"), ("ssh-known-hosts", "ssh-known-hosts")]
)
def test_without_a_key_or_known_hosts_the_check_is_incomplete(lab: Lab, missing: str, hint: str) -> None:
    home = lab.home(keys=False)
    inputs = {"ssh-private-key": lab.key.read_text(), "ssh-known-hosts": home.known_hosts.read_text()}
    home.known_hosts.unlink()
    _, ended = step(lab, home, COMMAND, {name: value for name, value in inputs.items() if name != missing})
    assert (ended.status, ended.outputs["verdict"]) == (2, "incomplete")
    assert [hint in error.data for error in ended.step.named("error")][:1] == [True]


def test_a_run_step_publishes_what_the_action_publishes(lab: Lab) -> None:
    first, second = lab.home(keys=False), lab.home()
    inputs = {"ssh-private-key": lab.key.read_text(), "ssh-known-hosts": first.known_hosts.read_text()}
    _, action = step(lab, first, COMMAND, inputs)
    on_the_runner, ran = step(lab, second, [PROGRAM, "check", "--format", "github"], {})
    assert (ran.status, ran.stderr) == (1, "")
    assert on_the_runner.report()["vantage"] == "runner"
    assert ran.step.named("error") == action.step.named("error")
    assert [name for name, value in ran.outputs.items() if action.outputs[name] != value] == ["findings"]  # its own key
    assert ran.summary.partition("·")[0] == action.summary.partition("·")[0]
