"""A release: a commit whose action.yml names the published image by its digest, and the tags that point to it.

The workflow `release` pushes what is made here.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from dev.environment import ROOT
from dev.machine import CannotSetUp
from kamal_forward_check import __version__

_BUILT_BY_THE_RUNNER = "\n  image: Dockerfile\n"
_BY_DIGEST = re.compile(r"ghcr\.io(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}")
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_USED = re.compile(r"(?:kamal-forward-check@|rev: )(v\d+)")
"""How our own text names a release."""
_WORKFLOWS = ".github/workflows"
_BOT = {"NAME": "github-actions[bot]", "EMAIL": "41898282+github-actions[bot]@users.noreply.github.com"}
"""Whom GitHub shows as the author of what a workflow commits."""


def refuse_another_version(tag: str, version: str = __version__) -> None:
    """Raise CannotSetUp unless `tag` is that of the version in the source, as in v1.2.3, and of what users are told."""
    if not _VERSION.fullmatch(tag):
        raise CannotSetUp(f"--tag={tag} is no version that can be released: name it like v1.2.3")
    if tag != f"v{version}":
        raise CannotSetUp(f"the tag is {tag}, and the source says {version}: src/kamal_forward_check/__init__.py")
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *ROOT.glob("examples/*.yml")))
    told = {use for text in texts for use in _USED.findall(text)}
    if told != {major := tag.partition(".")[0]}:
        said = " and ".join(sorted(told))
        raise CannotSetUp(f"README.md and examples/ say {said}, and a release of {tag} moves {major}: make them agree")


def commit(tag: str, image: str, root: Path = ROOT) -> list[str]:
    """Commit the release upon what is checked out in `root`, and have its tags point there: their names.

    The commit has no workflows. GitHub takes no tag from a workflow whose .github/workflows are not those of a branch,
    and a branch may have moved since. Raises CannotSetUp where the release is not as it must be.
    """
    action = root / "action.yml"
    text = action.read_text(encoding="utf-8")
    if not _BY_DIGEST.fullmatch(image):
        raise CannotSetUp(f"{image} does not name an image by its digest: ghcr.io/owner/name@sha256:…")
    if text.count(_BUILT_BY_THE_RUNNER) != 1:
        raise CannotSetUp("action.yml does not say `image: Dockerfile`: a release starts from what is on a branch")
    action.write_text(text.replace(_BUILT_BY_THE_RUNNER, f"\n  image: docker://{image}\n"), encoding="utf-8")
    _git(root, "rm", "-r", "--quiet", _WORKFLOWS)
    _git(root, "add", "action.yml")
    _git(root, "commit", "--quiet", "--message", f"{tag}: action.yml names the image by its digest")
    tags = [tag, *moving(tag, _git(root, "tag", "--list").split())]
    for each in tags:
        _git(root, "tag", "--force", each)
    return tags


def moving(tag: str, tags: list[str]) -> list[str]:
    """The tags that follow a release, as v1.2 and v1: each belongs to the newest version that it names."""
    version = _numbers(tag)
    known = {version, *(_numbers(other) for other in tags if _VERSION.fullmatch(other))}
    return [
        "v" + ".".join(map(str, version[:length]))
        for length in (2, 1)
        if version == max(other for other in known if other[:length] == version[:length])
    ]


def _numbers(tag: str) -> tuple[int, ...]:
    return tuple(int(number) for number in tag.removeprefix("v").split("."))


def _git(root: Path, *words: str) -> str:
    bot = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in _BOT.items()}
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(root), *words],  # noqa: S607
        env={**os.environ, **bot}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise CannotSetUp(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout
