"""A release: which tag may be one, what its commit says, and where its tags point."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from dev import release
from dev.linters import finds, linters
from dev.machine import CannotSetUp
from kamal_forward_check import __version__
from tests.action.rehearsal import Job

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
IMAGE = f"ghcr.io/kamal-forward-check/kamal-forward-check@sha256:{'0123456789abcdef' * 4}"


def git(folder: Path, *words: str) -> str:
    me = ("-c", "user.name=me", "-c", "user.email=me@example.com")
    return subprocess.run(
        ["git", "-C", str(folder), *me, *words], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of a bare repository, on the commit that was tagged."""
    remote, folder = tmp_path / "remote.git", tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote)], check=True)
    subprocess.run(["git", "clone", "--quiet", str(remote), str(folder)], check=True, capture_output=True)
    shutil.copy(ROOT / "action.yml", folder / "action.yml")
    shutil.copytree(ROOT / ".github", folder / ".github")
    git(folder, "checkout", "--quiet", "-B", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "what was tagged")
    git(folder, "tag", "v1.2.3")
    git(folder, "push", "--quiet", "origin", "main", "v1.2.3")
    return folder


def test_the_tags_are_on_a_commit_that_names_the_image_and_has_no_workflows(checkout: Path) -> None:
    tagged = git(checkout, "rev-parse", "HEAD")
    assert release.commit("v1.2.3", IMAGE, checkout) == ["v1.2.3", "v1.2", "v1"]
    made = git(checkout, "rev-parse", "HEAD")
    assert {git(checkout, "rev-parse", tag) for tag in ("v1.2.3", "v1.2", "v1")} == {made}
    assert git(checkout, "rev-parse", "HEAD~") == tagged
    assert git(checkout, "log", "-1", "--format=%an, %cn") == "github-actions[bot], github-actions[bot]"
    action = git(checkout, "show", "v1:action.yml")
    before = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert yaml.safe_load(action) == before | {"runs": {"using": "docker", "image": f"docker://{IMAGE}"}}
    assert git(checkout, "ls-tree", "v1", ".github/workflows") == ""
    assert git(checkout, "status", "--porcelain") == ""
    (judge,) = (command for command in linters(checkout) if "vendor.github-actions" in command)
    assert not finds(judge, checkout)


@pytest.mark.parametrize(
    ("tags", "moved"),
    [
        ([], ["v1.2", "v1"]),
        (["v1.2.2", "v1.1.9", "v0.9.9", "v1", "v1.2", "next"], ["v1.2", "v1"]),
        (["v1.2.3", "v1.2.10"], []),
        (["v1.10.0", "v2.0.0"], ["v1.2"]),
        (["v2.0.0", "v1.3.0-rc1"], ["v1.2", "v1"]),
    ],
)
def test_a_moving_tag_never_goes_back(tags: list[str], moved: list[str]) -> None:
    assert release.moving("v1.2.3", tags) == moved


@pytest.mark.parametrize("image", ["ghcr.io/o/n:v1", "ghcr.io/o/n@sha256:abc", f"{IMAGE}\nx", "docker.io/o/n@sha256:0"])
def test_what_names_no_image_by_its_digest_is_refused(checkout: Path, image: str) -> None:
    with pytest.raises(CannotSetUp, match="by its digest"):
        release.commit("v1.2.3", image, checkout)
    assert git(checkout, "status", "--porcelain") == ""


def test_a_release_is_not_made_of_a_release(checkout: Path) -> None:
    release.commit("v1.2.3", IMAGE, checkout)
    with pytest.raises(CannotSetUp, match="image: Dockerfile"):
        release.commit("v1.2.3", IMAGE, checkout)


@pytest.mark.parametrize("tag", ["v1.2", "1.2.3", "v1.2.3-rc1", "v1.2.3\n", ""])
def test_what_is_no_version_is_refused(tag: str) -> None:
    with pytest.raises(CannotSetUp, match=r"name it like v1\.2\.3"):
        release.refuse_another_version(tag, tag.removeprefix("v"))


def test_a_tag_is_that_of_the_sources_version_and_moves_what_users_are_told() -> None:
    release.refuse_another_version("v1.9.0", "1.9.0")
    with pytest.raises(CannotSetUp, match=r"the source says 1\.9\.1"):
        release.refuse_another_version("v1.9.0", "1.9.1")
    with pytest.raises(CannotSetUp, match=r"examples/ say v1, and a release of v2\.0\.0 moves v2"):
        release.refuse_another_version("v2.0.0", "2.0.0")


def test_another_tag_is_told_in_a_line() -> None:
    ran = subprocess.run(
        [sys.executable, "-I", str(ROOT / "tasks.py"), "dev.release", "--tag", "v99.0.0"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        f"kamal-forward-check: the tag is v99.0.0, and the source says {__version__}:"
        " src/kamal_forward_check/__init__.py\n"
    )


def step(job: str, name: str) -> Mapping[str, Any]:
    (found,) = (step for step in WORKFLOW["jobs"][job]["steps"] if step.get("id") == name)
    return cast("Mapping[str, Any]", found)


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_the_workflow_pushes_the_tags_that_were_made_and_then_releases(checkout: Path) -> None:
    tools = checkout.parent / "tools"
    script(tools / "gh", f'git -C {checkout} ls-remote --tags origin > {tools}/seen; echo "$@" > {tools}/released')
    git(checkout, "push", "--quiet", "origin", "HEAD:refs/tags/v1", "HEAD:refs/tags/v1.1")
    made = " ".join(release.commit("v1.2.3", IMAGE, checkout))
    script(checkout / "bin" / "invoke", f'echo "$@" > {tools}/asked; echo {made}')
    environ = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "GITHUB_REF_NAME": "v1.2.3"}
    job = Job(checkout, environ, {}, {"needs": {"image": {"outputs": {"name": IMAGE}}}, "github": {"token": "t"}})
    job.play([step("release", "made"), step("release", "out")])
    head, before = git(checkout, "rev-parse", "HEAD", "HEAD~").split()
    assert (tools / "asked").read_text() == f"dev.release --tag v1.2.3 --image {IMAGE}\n"
    pointing = {ref: at for at, ref in (row.split() for row in (tools / "seen").read_text().splitlines())}
    assert pointing == {f"refs/tags/{tag}": head for tag in ("v1", "v1.2", "v1.2.3")} | {"refs/tags/v1.1": before}
    assert (tools / "released").read_text() == "release create v1.2.3 --verify-tag --generate-notes\n"


@pytest.mark.parametrize("said", [f"Name:      base\nDigest:    sha256:{'ab' * 32}\n\nManifests:", "Name:      base"])
def test_the_base_is_pinned_by_what_its_tag_names(tmp_path: Path, said: str) -> None:
    workspace, tools = tmp_path / "workspace", tmp_path / "tools"
    workspace.mkdir()
    shutil.copy(ROOT / "Dockerfile", workspace)
    script(tools / "docker", f"echo \"$@\" > {tools}/asked; echo '{said}'")
    job = Job(workspace, {"PATH": f"{tools}:{os.environ['PATH']}"}, {}, {})
    base = (ROOT / "Dockerfile").read_text().split()[1]
    if "Digest" not in said:
        with pytest.raises(AssertionError):
            job.take(step("image", "base"))
        return
    job.take(step("image", "base"))
    assert (tools / "asked").read_text() == f"buildx imagetools inspect {base}\n"
    assert job.context["steps"]["base"]["outputs"] == {"name": base, "digest": f"sha256:{'ab' * 32}"}
    contexts = step("image", "push")["with"]["build-contexts"]
    assert job.expanded(contexts) == f"{base}=docker-image://{base}@sha256:{'ab' * 32}"
