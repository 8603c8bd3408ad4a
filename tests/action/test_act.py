"""One of the examples run whole by act: its own steps, with its secrets and variables, and the real image in its place.

act stands in for GitHub's service and runner. What differs: it knows no queue of a concurrency group, copies the
workspace instead of checking it out, has a container for the job, and mounts no folder below /github.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import containers
from lab import Lab
from lab.lab import answers
from lab.project import deploy_yml, write_project
from tests.action.test_examples import OURS, ROOT
from tests.waiting import until

EXAMPLE = ROOT / "examples" / "deploy-through-bastion.yml"
ACT = Path(sys.executable).with_name("act")
IMAGE = f"act-{OURS.replace('/', '-').replace('@', '-')}v1-dockeraction:latest"
"""What act calls the image of OURS at v1, and takes as it is with --rebuild=false."""


@pytest.fixture
def daemon(engine: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables that lead to a daemon that has our image: Docker's own, or podman in its place."""
    builder = containers.engine(engine)
    assert builder("tag", containers.IMAGE, IMAGE).returncode == 0
    try:
        if engine == "docker":
            yield {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
            return
        socket = tmp_path / "podman.sock"
        with (tmp_path / "podman.log").open("w") as log:
            service = [*builder.command, "system", "service", "--time=0", f"unix://{socket}"]
            process = subprocess.Popen(service, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until(lambda: answers(socket) or process.poll() is not None)
            yield {"DOCKER_HOST": f"unix://{socket}"}
        finally:
            process.terminate()
            process.wait()
    finally:
        builder("image", "rm", IMAGE)


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Path:
    """A repository with two targets behind a jump, and the example as its workflow."""
    folder = tmp_path / "shop"
    servers = [lab.hosts[host].address["back"] for host in ("web-1", "web-2")]
    proxy = f"ops@{lab.hosts['bastion'].address['front']}"
    write_project(folder, deploy_yml(servers, proxy=proxy, user="deploy"))
    (folder / "config" / "deploy.production.yml").write_text("labels: {stage: production}\n")
    workflows = folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    text = EXAMPLE.read_text(encoding="utf-8")
    (workflows / EXAMPLE.name).write_text(text.replace("  queue: max\n", ""), encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=octo", "-c", "user.email=octo@example.com"]
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", "https://github.com/octo/shop.git"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=shop"],
    ):
        subprocess.run([*git, *words], check=True, env=environ)
    return folder


def run(project: Path, environ: dict[str, str], network: str, lab: Lab) -> tuple[int, list[Any], str]:
    """Have act run the project's workflow for a push: its exit status, what it logs, and all of it as text."""
    known_hosts = lab.home(keys=False).known_hosts.read_text()
    environ = {"PATH": os.environ["PATH"], "DEPLOY_KEY": lab.key.read_text(), "KNOWN_HOSTS": known_hosts, **environ}
    command = [
        *(str(ACT), "push", "--json", "--rm", "--rebuild=false", "--pull=false", "--no-cache-server"),
        *(
            "--platform",
            f"ubuntu-latest={containers.base()}",
            "--container-daemon-socket",
            "-",
            f"--container-options=--network={network}",
        ),
        *("--local-repository", f"{OURS}v1={ROOT}", "--secret", "DEPLOY_KEY", "--var", "KNOWN_HOSTS"),
    ]
    ran = subprocess.run(
        command, cwd=project, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()], ran.stdout + ran.stderr


def test_an_example_stops_the_deploy_and_names_the_hop(
    daemon: dict[str, str], network: str, project: Path, lab: Lab, tmp_path: Path
) -> None:
    status, log, text = run(project, {"HOME": str(tmp_path), **daemon}, network, lab)
    results = {line["step"]: line["stepResult"] for line in log if "stepResult" in line}
    ours = {step: result for step, result in results.items() if step.startswith(OURS)}
    assert (status, list(ours.values())) == (1, ["failure"]), text

    refuses = lab.hosts["web-2"].address["back"]
    outputs = {line["name"]: line["arg"] for line in log if line.get("command") == "set-output"}
    assert outputs == {
        "verdict": "fail",
        "failing-hop": refuses,
        "failing-hops": f'["{refuses}"]',
        "findings": outputs["findings"],
        "report": "kamal-forward-check.json",
    }
    (error,) = [line for line in log if line.get("command") == "error"]
    assert (error["kvPairs"]["file"], error["kvPairs"]["line"]) == ("config/deploy.yml", "7")
    assert 'says "AllowTcpForwarding no"; change it to "AllowTcpForwarding remote".' in error["arg"]
    (summary,) = [line["content"] for line in log if line.get("command") == "summary"]
    assert summary.startswith("## ❌ forward stopped on 1 of 2 hosts")
    assert "destination production" in summary
    # The example's next step has the output, and a job that failed goes no further.
    assert f"{refuses} stops the forward\n" in [line["msg"] for line in log if line.get("raw_output")]
    assert log[-1]["jobResult"] == "failure"
    shown = "".join(line["msg"] for line in log) + summary
    assert not [line for line in lab.key.read_text().splitlines() if line in shown]
