"""What a file of the repository has started sees nothing of what the runner gave, at either of GitHub's doors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.action.conftest import COMMAND, Action, Ended
from tests.action.keys import KEY

PROGRAM = str(Path(sys.executable).with_name("kamal-forward-check"))
DOORS = {"container": COMMAND, "run": [PROGRAM, "check", "--format", "github", "--allow-proxy-command"]}
SECRET = "hush-hush"  # noqa: S105 - what nobody is to see
SHOWS = "sh -c 'env > {0}; cat /proc/$PPID/environ >> {0}; exit 1'"
DEPLOY = """\
service: shop
image: shop
x-shown: <%= ENV["SHOWN_TOKEN"] %>
servers: [127.0.0.1]
registry: {{server: "localhost:5555"}}
builder: {{arch: riscv64, remote: "ssh://root@127.0.0.1:1"}}
ssh: {{{ssh}}}
"""


def ended(action: Action, door: str, ssh: str) -> Ended:
    """A step at a door, with secrets all around, without the rights that a runner's container has not either."""
    action.write("config/deploy.yml", DEPLOY.format(ssh=ssh))
    docker = action.write("bin/docker", f"#!/bin/sh\nenv > {action.workspace}/docker.env\nexit 1\n")
    docker.chmod(0o755)
    action.write("deploy/ssh_config", f'Match exec "env > {action.workspace}/match.env; false"\n')
    action.environ |= {
        "PATH": f"{docker.parent}:{os.environ['PATH']}",
        **dict.fromkeys(("ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN", "Shown_Token", "SHOWN_TOKEN"), SECRET),
        "KEPT": "kept",
    }
    inputs = {"allow-proxy-command": "true", "ssh-private-key": KEY, "ssh-key-passphrase": SECRET, "timeout": "20"}
    fewer = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [*fewer, *DOORS[door]], cwd=action.workspace, env=action.environment(inputs), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    return action.end(process)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is Linux's")
@pytest.mark.parametrize("door", DOORS)
def test_no_command_sees_the_runners_secrets(action: Action, door: str) -> None:
    by_command = SHOWS.format(action.workspace / "command.env")
    ssh = f'proxy_command: "{by_command}"'
    published = ended(action, door, ssh)
    published_too = ended(action, door, 'config: deploy/ssh_config, proxy: "127.0.0.1:1"')
    seen = {path.stem: path.read_text() for path in action.workspace.glob("*.env")}
    assert set(seen) == ({"command", "match"} if door == "container" else {"command", "match", "docker"})
    for text in seen.values():
        assert "KEPT=kept" in text
        assert SECRET not in text
        assert not [line for line in KEY.splitlines() if line in text]
        assert "INPUT_" not in text
    for step in (published, published_too):
        assert SECRET not in "\n".join([*step.step.text, step.summary, str(action.report())])
        assert not [each for each in step.step.annotations if SECRET in each.data]


def test_a_command_that_fails_for_want_of_a_token_proves_nothing(action: Action) -> None:
    step = ended(action, "run", "proxy_command: \"sh -c 'test $SHOWN_TOKEN'\"")
    assert step.outputs["verdict"] == "incomplete"
    assert any(
        "no command is given GITHUB_TOKEN, SHOWN_TOKEN, Shown_Token here" in error.data
        for error in step.step.annotations
    )
