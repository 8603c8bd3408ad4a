"""Keys at both of GitHub's doors, whole: of an agent, of one that is not there, and as text for a child ssh."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.action.conftest import COMMAND, Action, Ended
from tests.probe.servers import ME, Servers, Sshd, agent, free_port, make_key, public

PROGRAM = str(Path(sys.executable).with_name("kamal-forward-check"))
RUN = [PROGRAM, "check", "--format", "github"]


def check(action: Action, target: Sshd, door: list[str], inputs: Mapping[str, str], ssh: str = "") -> Ended:
    """A step that checks one server."""
    action.write(
        "config/deploy.yml",
        f"service: shop\nimage: shop\nservers: [{target.host}]\nbuilder: {{arch: amd64}}\n"
        f'registry: {{server: "localhost:{free_port()}"}}\nssh: {{user: {ME}, port: {target.port}{ssh}}}\n',
    )
    return action.end(
        subprocess.Popen(
            door, cwd=action.workspace, env=action.environment(inputs), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
    )  # fmt: skip


@pytest.mark.parametrize("door", [COMMAND, RUN], ids=["container", "run"])
def test_an_agent_that_is_in_reach_just_works(action: Action, servers: Servers, door: list[str]) -> None:
    with agent(action.folder, servers.key) as socket:
        action.environ["SSH_AUTH_SOCK"] = socket
        ended = check(action, servers.sshd(), door, {})
    assert (ended.status, ended.outputs["verdict"]) == (0, "pass")
    assert not [each.data for each in ended.step.annotations if "agent" in each.data]


def test_an_agent_that_is_gone_is_said_where_a_login_is_refused(action: Action, servers: Servers) -> None:
    action.environ["SSH_AUTH_SOCK"] = str(action.folder / "gone")
    ended = check(action, servers.sshd(), RUN, {})
    assert ended.outputs["verdict"] != "pass"
    told = [item for item in action.report()["skipped"] if "SSH_AUTH_SOCK" in item["why"]]
    assert ["where no agent listens" in item["why"] for item in told] == [True]


def test_a_child_ssh_logs_in_with_keys_that_came_as_text(action: Action, servers: Servers, tmp_path: Path) -> None:
    """One key for the jump and one for the target, with a passphrase; neither is seen in the child's environment."""
    keys = [make_key(tmp_path / name, "-N", "correct horse") for name in ("of-jump", "of-target")]
    jump, target = servers.sshd(), servers.sshd()
    jump.authorize(public(keys[0]))
    target.authorize(public(keys[1]))
    (tmp_path / "known").write_text(jump.pin, encoding="utf-8")
    way = action.write(
        "way",
        f"#!/bin/sh\nenv > {tmp_path}/seen\nexec ssh -F none -o BatchMode=yes -o IdentityFile=none"
        f' -o UserKnownHostsFile={tmp_path}/known -p {jump.port} -W "$1:$2" {ME}@{jump.host}\n',
    )
    way.chmod(0o755)
    text = "".join(key.read_text(encoding="ascii") for key in keys)
    inputs = {"ssh-private-key": text, "ssh-key-passphrase": "correct horse", "allow-proxy-command": "true"}
    ended = check(action, target, COMMAND, inputs, f', proxy_command: "{way} %h %p"')
    assert (ended.status, ended.outputs["verdict"]) == (0, "pass")
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert "SSH_AUTH_SOCK=" in seen
    assert not [line for line in (*text.splitlines(), "correct horse", "INPUT_") if line in seen]
