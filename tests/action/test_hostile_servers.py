"""Servers on the loopback that say hostile texts in every way that SSH has: none of them comes to more than a text."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from tests.action.conftest import Action, Ended
from tests.action.hostile import texts
from tests.action.judges import Page, obeyed
from tests.action.runner import Step
from tests.action.scripted import saying
from tests.probe.servers import make_key

PROGRAM = str(Path(sys.executable).with_name("kamal-forward-check"))
HOSTS = [f"127.0.0.{number}" for number in range(10, 34)]
SECRET = "correct-horse-battery"  # noqa: S105 - the test's own
PASSWORD = "staple-of-the-registry"  # noqa: S105


def checked(folder: Path, said: Iterator[str], form: str = "github") -> tuple[Action, Ended]:
    """A check of hosts that say all this, published in a step of a workflow."""
    action = Action(folder)
    key = make_key(folder / "key")
    counted = [0]

    def counting() -> Iterator[str]:
        for each in said:
            counted[0] += 1
            yield each

    with saying(counting()) as port:
        action.write(
            "config/deploy.yml",
            "service: shop\nimage: <%= ENV['SHOP'] %>\nregistry: {server: 'localhost:5555', username: u, password: "
            f"{PASSWORD}}}\nbuilder: {{arch: amd64}}\nssh: {{port: {port}}}\nservers: [{', '.join(HOSTS)}]\n",
        )
        action.environ["SHOP"] = SECRET
        words = ["check", "--format", form, "--identity", str(key)]
        ran = subprocess.run(
            [PROGRAM, *words], cwd=action.workspace, env=action.environ, capture_output=True, timeout=120, check=False
        )
    assert counted[0] >= 200
    return action, action.left(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def test_what_servers_say_is_text_everywhere(tmp_path: Path) -> None:
    every = (each[:5000] for each in texts(22))
    action, evil = checked(tmp_path / "evil", every)
    _, good = checked(tmp_path / "good", cycle(["welcome"]))
    assert (evil.status, evil.stderr) == (good.status, good.stderr) == (1, "")
    token = evil.step.named("stop-commands")[0].data
    commands = [each.name for each in evil.step.executed if each not in evil.step.annotations]
    assert [name.replace(token, "token") for name in commands if name != "add-mask"] == [
        "group", "stop-commands", "token", "endgroup",
    ]  # fmt: skip
    assert not obeyed("\n".join(evil.step.text))
    assert not Step().read("\n".join(line.removeprefix("│ ") for line in evil.step.text)).executed
    page = Page(evil.summary)
    assert {name for name, _ in page.elements} <= {name for name, _ in Page(good.summary).elements} | {
        "details",
        "summary",
    }
    assert not page.references
    assert evil.outputs.keys() == good.outputs.keys()
    assert good.summary.count("welcome") > len(HOSTS), "what servers say is shown"
    assert SECRET not in str(action.report())


def test_a_secret_that_a_server_says_is_shown_nowhere(tmp_path: Path) -> None:
    action, ended = checked(tmp_path, cycle([f"a {SECRET} b", PASSWORD]))
    masks = [each.data for each in ended.step.named("add-mask")]
    assert masks == [SECRET, PASSWORD]
    shown = ended.printed.split("::group::")[1]
    assert "a *** b" in ended.summary
    for secret in masks:
        for exit_ in (shown, ended.stderr, ended.summary, *ended.outputs.values(), str(action.report())):
            assert secret not in exit_


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_a_secret_is_in_no_format(tmp_path: Path, form: str) -> None:
    _, ended = checked(tmp_path, cycle([f"a {SECRET} b", PASSWORD]), form)
    assert len(ended.printed) > 1000
    assert SECRET not in ended.printed
    assert PASSWORD not in ended.printed
