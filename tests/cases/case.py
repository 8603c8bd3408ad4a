"""A case: hosts with faults, a project, and what the check has to say. One folder each, beside this file.

`case.yml` has:

- `about`: the case in a sentence.
- `hosts`: name → networks; by default a bastion and `web-1` behind it. Those on two networks are jumps.
- `user`: who logs in on the targets (`deploy`), and `jump_user` on jumps (`ops`).
- `faults`: host → names from `lab.faults`.
- `home`: how the deployer's home is made: arguments of `Lab.home`.
- `task`: `check`, or `validate` where the file alone is judged.
- `arguments`: more words for the task; `{key}` is a private key that opens the hosts.
- `listens`: what is on the deployer's localhost:5555 while the check runs: `registry`, `airplay`, or nothing.
- `expect`: the outcome: `verdict`, `exit`, `codes` (errors and warnings, in the report's order), and where it matters
  `notices`, `hop` (user@host), `affects`, `line` (fields of the finding's server_line), `changes` (how many lines).
- `kamal`: what the real Kamal comes to: `pass`, `fail`, `no-shell` (the forward stands, then its commands can't run on
  the host), or, in a sentence, why it is not asked.

`project/` and `home/`, where a case has them, are laid over the generated project and home. `expected.txt` is the
report as text, with all that differs from run to run replaced.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab import Home, Lab
from lab.project import deploy_yml, write_project
from tests.cases.program import Outcome, Program

FOLDER = Path(__file__).parent
USUAL = {"bastion": ["front", "back"], "web-1": ["back"]}


@dataclass(frozen=True)
class Case:
    """A case as it stands in its folder."""

    folder: Path
    about: str
    expect: dict[str, Any]
    kamal: str
    hosts: dict[str, list[str]] = field(default_factory=lambda: dict(USUAL))
    user: str = "deploy"
    jump_user: str = "ops"
    faults: dict[str, list[str]] = field(default_factory=dict)
    home: dict[str, Any] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    task: str = "check"
    listens: str = ""

    @property
    def name(self) -> str:
        return self.folder.name

    def declare(self, lab: Lab) -> None:
        """Declare the case's hosts."""
        for name, networks in self.hosts.items():
            login = self.jump_user if len(networks) > 1 else self.user
            lab.host(name, *networks, login=login, faults=self.faults.get(name, ()))

    def make(self, lab: Lab) -> tuple[Home, Path]:
        """Make the deployer's home and the project in it. Kamal dials the jumps of a proxy string from its end."""
        home = lab.home(**self.home)
        project = home.path / "shop"
        jumps = [f"{self.jump_user}@{name}" for name, networks in self.hosts.items() if len(networks) > 1]
        targets = [name for name, networks in self.hosts.items() if len(networks) == 1]
        text = deploy_yml(targets, proxy=",".join(reversed(jumps)), user=self.user)
        write_project(project, text)
        for own, place in (("project", project), ("home", home.path)):
            if (self.folder / own).is_dir():
                shutil.copytree(self.folder / own, place, dirs_exist_ok=True)
        return home, project


def load(folder: Path) -> Case:
    """Read a case's folder. Raises TypeError for a key that a case does not have."""
    return Case(folder, **yaml.safe_load((folder / "case.yml").read_text(encoding="utf-8")))


ALL = [load(path.parent) for path in sorted(FOLDER.glob("*/case.yml"))]


def check(case: Case) -> Outcome:
    """Start the case's lab, run the check in it, and tear it down."""
    with Lab() as lab:
        case.declare(lab)
        lab.start()
        home, project = case.make(lab)
        if case.listens:
            lab.registry(kind=case.listens)
        with Program(lab, home, project) as program:
            return program.look(case.task, *(word.format(key=lab.key) for word in case.arguments))
