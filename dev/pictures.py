"""The job summary much as GitHub shows it, in light and in dark: for the README, and for whoever changes it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt

from dev import browser, charts
from dev.environment import ROOT
from dev.machine import CannotSetUp, say
from kamal_forward_check.report import summary
from lab import Lab, demo
from tests.report.samples import SAMPLES

DOCS = ROOT / "docs"
SEEN = ROOT / ".browser"
THEMES = ("light", "dark")
WIDE, NARROW = 950, 400
"""Widths in CSS pixels: of a summary on a screen, and on a telephone."""
_SCALE = 1.25
_PAGE = ROOT / "dev" / "summary.html"


def main(*, samples: bool) -> int:
    """Draw them. 1 where Mermaid does not draw a flowchart as it is meant. Raises CannotSetUp."""
    if wrong := charts.wrong():
        say("\n\n".join((f"Mermaid draws {len(wrong)} of {charts.count()} flowcharts not as they are meant:", *wrong)))
        return 1
    say(f"Mermaid draws all of {charts.count()} flowcharts as they are meant")
    found = _a_target_refuses()
    for theme in THEMES:
        _draw(found, DOCS / f"summary-{theme}.png", theme, WIDE)
        if samples:
            for name, sample in SAMPLES.items():
                for width in (WIDE, NARROW):
                    _draw(summary.render(sample()), SEEN / f"{name}-{theme}-{width}.png", theme, width)
    return 0


def _a_target_refuses() -> str:
    """The summary of a check in a step of a workflow: real servers, of which one refuses behind a bastion."""
    say("starting a bastion and two targets, and checking them")
    program = str(Path(sys.executable).with_name("kamal-forward-check"))
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        home, project = demo.a_target_refuses(lab)
        said = Path(folder) / "summary.md"
        step = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_WORKSPACE": str(project),
            "GITHUB_STEP_SUMMARY": str(said),
        }
        check = lab.command([program, "check", "--format", "github"], home, cwd=project)
        subprocess.run(check, env={**home.environ, **step}, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
        if not said.exists():
            raise CannotSetUp("the check left no summary")
        return said.read_text(encoding="utf-8")


def _draw(markdown: str, picture: Path, theme: str, width: int) -> None:
    """Write `markdown`, much as GitHub would show it, as a PNG. Raises CannotSetUp."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    page = SEEN / "summary.html"
    values = {"theme": theme, "mermaid": browser.mermaid().as_uri(), "body": reader.render(markdown)}
    page.write_text(Template(_PAGE.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
    seen = browser.result(page, width)
    if error := seen.get("error"):
        raise CannotSetUp(f"{picture.name}: {error}")
    browser.photograph(page, picture, width, seen["height"], _SCALE)
    say(f"{picture.relative_to(ROOT)}: {picture.stat().st_size // 1000} kB")
