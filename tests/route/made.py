"""Plans made from a deploy.yml's text, on a machine whose home and files a test has made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kamal_forward_check import deploy, route
from kamal_forward_check.model import DeployConfig, Hop, Plan, Vantage
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import Account, System

NEWEST = "2.12.0"
FILE = "config/deploy.yml"
BASE = "service: shop\nimage: shop\nregistry: {server: 'localhost:5555'}\nbuilder: {arch: amd64}\n"


def config(text: str, kamal: str = NEWEST) -> DeployConfig:
    """A deploy.yml as the package reads it; `<%= Rails.x %>` is a value that only Ruby could tell."""
    with TemporaryDirectory() as name:
        machine = Machine(Path(name))
        machine.write(FILE, text)
        return deploy.load(machine.system, FILE, None, kamal)


def line_of(text: str, part: str) -> int:
    """The number of the line of a deploy.yml in which `part` stands."""
    return text[: text.index(part)].count("\n") + 1


@dataclass(frozen=True)
class Machine:
    """The deploying machine: `home` is both $HOME and the home folder that ssh knows."""

    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def system(self) -> System:
        made = System(self.environ, cwd=self.home, home=self.home)
        return replace(made, account=Account(made.account.name, self.home))

    def write(self, name: str, text: str) -> Path:
        """Write a file below the home folder."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def plan(
        self, text: str, kamal: str = NEWEST, *, vantage: Vantage = Vantage.LOCAL, base: str = BASE, **settings: Any
    ) -> Plan:
        """The plan for a deploy.yml with a local registry and `text`."""
        return route.plan(config(base + text, kamal), Settings(**settings), self.system, vantage)

    def hops(self, text: str, kamal: str = NEWEST, **more: Any) -> tuple[Hop, ...]:
        """The hops of the only route of a plan that leaves nothing out."""
        plan = self.plan(text, kamal, **more)
        assert (plan.skipped, plan.problems) == ((), ())
        (only,) = plan.routes
        return only.hops
