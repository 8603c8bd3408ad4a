"""A job's steps, one after the other as a runner takes them: bash gets what `run:` says, actions are stood in for."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.action.runner import assignments

EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")

StandIn = Callable[[Mapping[str, str]], tuple[int, Mapping[str, str]]]
"""What is done in an action's place: its inputs in, its exit status and outputs out."""


@dataclass
class Job:
    """A job that runs in `workspace`; `enter` starts the command line of each `run:` step."""

    workspace: Path
    environ: dict[str, str]
    actions: Mapping[str, StandIn]
    context: dict[str, Any]
    enter: Sequence[str] = ()
    said: list[str] = field(default_factory=list)

    def play(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Take the steps up to the first that fails and may not. Raises AssertionError there, with what it said."""
        for step in steps:
            self.take(step)

    def take(self, step: Mapping[str, Any]) -> None:
        """Take a step: as `play`."""
        if "uses" in step:
            given = {name: self.expanded(str(value)) for name, value in step.get("with", {}).items()}
            status, outputs = self.actions[step["uses"].partition("@")[0]](given)
        else:
            status, outputs = self._bash(step)
        outcome = "failure" if status else "success"
        self.context.setdefault("steps", {})[step.get("id", "")] = {"outcome": outcome, "outputs": outputs}
        assert status == 0 or step.get("continue-on-error"), (step, self.said[-1:])

    def expanded(self, text: str) -> str:
        """`text` with the value of each expression, which names what is in a context; nothing where it is not."""

        def value(found: re.Match[str]) -> str:
            at: Any = self.context
            for name in found[1].split("."):
                at = at.get(name, {})
            return str(at or "")

        text = EXPRESSION.sub(value, text)
        assert "${{" not in text
        return text

    def _bash(self, step: Mapping[str, Any]) -> tuple[int, Mapping[str, str]]:
        assert "${{" not in step["run"]
        script, output = self.workspace.parent / "step.sh", self.workspace.parent / "step.output"
        script.write_text(step["run"], encoding="utf-8")
        output.write_text("", encoding="utf-8")
        own = {name: self.expanded(value) for name, value in step.get("env", {}).items()}
        environ = self.environ | own | {"GITHUB_OUTPUT": str(output)}
        ran = subprocess.run(
            [*self.enter, "bash", "-e", str(script)],
            cwd=self.workspace / step.get("working-directory", ""), env=environ, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        self.said.append(ran.stdout + ran.stderr)
        return ran.returncode, assignments(output.read_text(encoding="utf-8"))
