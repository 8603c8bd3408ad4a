"""The real image, built from the Dockerfile, run as GitHub's runner runs it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import containers
from lab import Lab
from lab.lab import answers
from lab.project import deploy_yml, write_project
from tests.action.conftest import Ended
from tests.action.container import OWNER, Contained
from tests.action.test_entrypoint import GOOD
from tests.action.test_events import FORK, OWN
from tests.waiting import until

REPORT = "kamal-forward-check.json"


def errors(ended: Ended) -> list[str]:
    return [command.data for command in ended.step.named("error")]


def test_it_adds_no_more_to_its_base_than_it_may(engine: str) -> None:
    assert containers.beyond(containers.engine(engine)) < containers.MEGABYTES


def test_a_good_file_passes_and_what_is_written_is_the_workspace_owners(step: Contained) -> None:
    step.write("config/deploy.yml", GOOD)
    step.owned_by(OWNER)
    ended = step.run(mode="validate", report_file="out/of/report.json", sarif_file="out/of.sarif")
    assert (ended.status, ended.stderr, ended.outputs["verdict"]) == (0, "", "pass")
    assert ended.outputs["report"] == "out/of/report.json"
    assert step.report("out/of.sarif")["version"] == "2.1.0"
    assert step.report("out/of/report.json")["vantage"] == "container"
    assert {path.stat().st_uid for path in step.folder.rglob("*")} == {OWNER}


def test_a_runner_of_roots_own_gets_roots_files(step: Contained) -> None:
    step.write("config/deploy.yml", GOOD)
    assert step.run(mode="validate").status == 0
    assert (step.workspace / REPORT).stat().st_uid == 0


def test_an_annotation_is_placed_in_the_repository_whatever_the_working_directory(step: Contained) -> None:
    step.write("apps/shop/config/deploy.yml", GOOD + "sevrice: x\n")
    ended = step.run(mode="validate", working_directory="apps/shop")
    (error,) = ended.step.named("error")
    assert (error.properties["file"], error.properties["line"]) == ("apps/shop/config/deploy.yml", "6")
    assert ended.outputs["report"] == REPORT
    assert (step.workspace / REPORT).exists()


HOSTILE = "import pathlib\npathlib.Path('/github/runner_temp/imported').touch()\nraise SystemExit(77)\n"


def test_neither_the_environment_nor_the_workspace_reaches_the_interpreter(step: Contained) -> None:
    step.write("config/deploy.yml", GOOD)
    for name in ("yaml.py", "tasks.py", "invoke.py", "sitecustomize.py", "usercustomize.py", "entrypoint.py"):
        step.write(name, HOSTILE)
    step.write("kamal_forward_check/__init__.py", HOSTILE)
    step.write("bin/python3", "#!/bin/sh\nexit 78\n").chmod(0o755)
    step.write("bin/ssh", "#!/bin/sh\nexit 78\n").chmod(0o755)
    step.environ |= {
        "PATH": str(step.workspace / "bin"),
        "PYTHONPATH": str(step.workspace),
        "PYTHONHOME": str(step.workspace),
        "PYTHONSTARTUP": str(step.workspace / "yaml.py"),
        "PYTHONUSERBASE": str(step.workspace),
        "VIRTUAL_ENV": str(step.workspace),
        "LD_LIBRARY_PATH": str(step.workspace),
        "LANG": "C",
        "LC_ALL": "tlh_QO",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "SSH_AUTH_SOCK": "/tmp/ssh-gone/agent.1",  # noqa: S108 - as webfactory/ssh-agent leaves it
        "ACTIONS_RUNTIME_TOKEN": "hush",
    }
    ended = step.run(mode="validate")
    assert (ended.status, ended.stderr, ended.outputs["verdict"]) == (0, "", "pass")
    assert not (step.temp / "imported").exists()
    assert "hush" not in ended.printed + ended.summary


def test_a_workspace_that_cannot_be_written_costs_the_json_report_alone(step: Contained) -> None:
    step.write("config/deploy.yml", GOOD)
    step.read_only = True
    ended = step.run(mode="validate")
    assert (ended.status, ended.stderr) == (2, "")
    assert ["report-file" in error for error in errors(ended)] == [True]
    assert (ended.outputs["verdict"], ended.outputs["report"]) == ("pass", "")
    assert ended.summary.startswith("## ✅")


def test_a_thousand_findings_and_their_long_texts_stay_within_a_runners_limits(step: Contained) -> None:
    name = "x" * 900
    step.write("config/deploy.yml", GOOD + "".join(f"{name}{number}: y\n" for number in range(1_000)))
    ended = step.run(mode="validate", fail_on="warning")
    assert (ended.status, ended.stderr, ended.outputs["findings"]) == (1, "", "1000")
    shown = ended.step.named("warning")
    assert len(shown) == 10
    assert "991 more" in shown[-1].properties["title"]
    assert all(len(each.data) <= 4096 for each in shown)
    assert 800_000 < len(ended.summary.encode()) <= 900_000
    assert ended.summary.rstrip().endswith("left out, to stay within GitHub's limit: see the JSON report.")
    assert len(step.report()["findings"]) == 1_000


@pytest.fixture
def placed(step: Contained, network: str) -> Contained:
    """The action in a container beside the lab's deployer."""
    step.network = network
    return step


def at(lab: Lab, step: Contained, *hosts: str) -> dict[str, str]:
    """Have the step's project deploy to these; the inputs that this needs."""
    servers = [lab.hosts[host].address["back"] for host in hosts]
    proxy = f"ops@{lab.hosts['bastion'].address['front']}"
    write_project(step.workspace, deploy_yml(servers, proxy=proxy, user="deploy"))
    return {"ssh-private-key": lab.key.read_text(), "ssh-known-hosts": lab.home(keys=False).known_hosts.read_text()}


def test_the_hop_that_refuses_is_named_from_a_container(lab: Lab, placed: Contained) -> None:
    inputs = at(lab, placed, "web-1", "web-2")
    ended = placed.end(placed.start(inputs))
    assert (ended.status, ended.stderr) == (1, "")
    (error,) = ended.step.named("error")
    assert (error.properties["file"], error.properties["line"]) == ("config/deploy.yml", "7")
    assert 'says "AllowTcpForwarding no"; change it to "AllowTcpForwarding remote".' in error.data
    assert (ended.outputs["verdict"], ended.outputs["failing-hop"]) == ("fail", lab.hosts["web-2"].address["back"])
    assert [route["verdict"] for route in placed.report()["routes"]] == ["pass", "fail"]
    published = "\n".join([*ended.step.text, ended.summary, str(placed.report())])
    assert not [line for line in inputs["ssh-private-key"].splitlines() if line in published]


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]], ids=["INT", "TERM", "INT, TERM"]
)
def test_a_cancelled_probe_leaves_no_listener_behind(lab: Lab, placed: Contained, signals: list[int]) -> None:
    process = placed.start(at(lab, placed, "slow"))
    until(lambda: lab.listens("slow", 5555) or process.poll() is not None)
    for number in signals:
        process.send_signal(number)
    ended = placed.end(process)
    assert (ended.status, ended.stderr) == (130, "")
    assert ended.step.text[-2:] == ["kamal-forward-check: interrupted; every connection is closed", ""]
    until(lambda: not lab.listens("slow", 5555))


@pytest.mark.parametrize(
    ("name", "event", "key", "status"),
    [
        ("push", {}, "", 2),
        ("pull_request", OWN, "a key", 0),
        ("pull_request", FORK, "", 0),
        ("pull_request", FORK, "a key", 2),
        ("pull_request_target", FORK, "a key", 2),
    ],
)
def test_the_event_that_the_runner_mounts_decides_who_logs_in(
    lab: Lab, placed: Contained, name: str, event: Any, key: str, status: int
) -> None:
    inputs = at(lab, placed, "web-1")
    if not key:
        del inputs["ssh-private-key"]
    placed.event(name, event)
    before = lab.log("bastion")
    ended = placed.end(placed.start(inputs))
    passes = bool(key) and not status
    assert (ended.status, ended.stderr) == (status, "")
    assert ended.outputs["verdict"] == ("pass" if passes else "incomplete")
    assert ("Accepted publickey" in lab.log("bastion").removeprefix(before)) == passes


@pytest.fixture
def agent(lab: Lab, placed: Contained) -> Iterator[Path]:
    """The socket of an agent of the runner's own user in the runner's temporary folder."""
    placed.owned_by(OWNER)
    socket = placed.temp / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket.name], cwd=placed.temp, user=OWNER)
    try:
        until(lambda: answers(socket))
        environ = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", lab.key], check=True, env=environ)
        yield socket
    finally:
        process.terminate()
        process.wait()


def test_an_agent_in_the_runners_temporary_folder_just_works(lab: Lab, placed: Contained, agent: Path) -> None:
    inputs = at(lab, placed, "web-1") | {"ssh-private-key": ""}
    placed.environ["SSH_AUTH_SOCK"] = str(agent)
    ended = placed.end(placed.start(inputs))
    assert (ended.status, ended.stderr, ended.outputs["verdict"]) == (0, "", "pass")
    assert not ended.step.named("warning")


def test_an_agent_elsewhere_is_out_of_sight_and_that_is_said(lab: Lab, placed: Contained) -> None:
    inputs = at(lab, placed, "web-1") | {"ssh-private-key": ""}
    placed.environ["SSH_AUTH_SOCK"] = "/tmp/ssh-XXXX/agent.1"  # noqa: S108 - as webfactory/ssh-agent leaves it
    ended = placed.end(placed.start(inputs))
    assert (ended.status, ended.outputs["verdict"]) == (2, "incomplete")
    (said,) = [each.data for each in ended.step.named("warning") if "SSH_AUTH_SOCK" in each.data]
    assert "ssh-auth-sock: ${{ runner.temp }}/agent.sock" in said


def test_a_proxy_command_has_the_keys_and_hosts_of_the_inputs_and_nothing_else(lab: Lab, placed: Contained) -> None:
    """In the image, where an ssh has no home with files of its own; nor does /proc tell what the runner gave."""
    inputs = {**at(lab, placed, "web-1"), "allow-proxy-command": "true"}
    deploy, bastion = placed.workspace / "config" / "deploy.yml", f"ops@{lab.hosts['bastion'].address['front']}"
    shows = "env > seen; cat /proc/$PPID/environ /proc/1/environ >> seen; ls -l /tmp/*/agent >> seen"
    command = f"proxy_command: \"sh -c '{shows}; exec ssh -o BatchMode=yes -W %h:%p {bastion}'\""
    deploy.write_text(deploy.read_text().replace(f"proxy: {bastion}", command))
    ended = placed.end(placed.start(inputs))
    assert (ended.status, ended.stderr, ended.outputs["verdict"]) == (0, "", "pass")
    seen = (placed.workspace / "seen").read_text()
    assert "SSH_AUTH_SOCK=/tmp/" in seen
    assert "srw" in seen
    assert not [
        word for word in ("INPUT_", "ACTIONS_", "TOKEN", *inputs["ssh-private-key"].splitlines()) if word in seen
    ]
