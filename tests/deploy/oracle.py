"""The real Kamal as a judge of deploy.yml files that we wrote ourselves: it runs their ERB.

`kamal config` takes 0.6 s a file. One process judges them all in a fraction of that: the file it is started
with is a template that loads the others by Kamal's own `Commander#config`, as every command of Kamal does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.environment import ORACLE, ORACLE_OLDER

VERSIONS = {"2.10.1": ORACLE_OLDER, "2.11.0": ORACLE}
NEWEST = "2.11.0"

_JUDGE = r"""<%
require "json"
cases = JSON.parse(File.read(ENV.fetch("CASES")))
answers = cases.to_h do |name, folder, file, destination|
  said = begin
    Dir.chdir(folder) do
      commander = Kamal::Commander.new
      commander.configure(config_file: Pathname.new(File.expand_path(file)), destination: destination, version: "1")
      commander.config
    end
    ""
  rescue Exception => error
    "#{error.class}: #{error.message.lines.first.to_s.strip}"
  end
  [name, said.encode("UTF-8", invalid: :replace, undef: :replace)]
end
File.write(ENV.fetch("ANSWERS"), JSON.generate(answers))
exit! 0
%>"""

_READ = r"""<%
require "json"
def shape(value)
  case value
  when Hash then ["map", value.map { |key, inner| [shape(key), shape(inner)] }]
  when Array then ["list", value.map { |inner| shape(inner) }]
  when String, Integer, Symbol then [value.class.name, value.to_s]
  when Float then ["Float", value.to_s]
  when true, false, nil then [value.inspect, ""]
  else ["other", ""]
  end
end
answers = JSON.parse(File.read(ENV.fetch("CASES"))).map do |text|
  begin
    shape(YAML.unsafe_load(text))
  rescue Exception => error
    ["error", error.class.name]
  end
end
File.write(ENV.fetch("ANSWERS"), JSON.generate(answers))
exit! 0
%>"""

_AT_ONCE = 500
"""Files that one process judges: some 4 seconds' work."""

_DOCKER = "#!/bin/sh\necho x86_64\n"
"""Kamal asks docker for this machine's architecture where there is a remote builder."""


@dataclass(frozen=True, slots=True)
class Kamal:
    """One version of the real Kamal, by its program."""

    program: Path

    def judge(self, cases: Mapping[str, tuple[Path, str | None]]) -> dict[str, str]:
        """What Kamal says to each case (deploy.yml's folder, and a destination); nothing where it accepts."""
        questions = [(name, str(folder), "deploy.yml", destination) for name, (folder, destination) in cases.items()]
        starts = range(0, len(questions), _AT_ONCE)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            asked = [pool.submit(self._ask, _JUDGE, questions[start : start + _AT_ONCE]) for start in starts]
        return {name: said for answers in asked for name, said in answers.result().items()}

    def read(self, texts: Sequence[str]) -> list[list[object]]:
        """What Psych makes of each text: class and value, nested."""
        answers: list[list[object]] = self._ask(_READ, texts)
        return answers

    def config(self, folder: Path, file: str, destination: str | None) -> subprocess.CompletedProcess[str]:
        """`kamal config` itself, for one file."""
        with tempfile.TemporaryDirectory() as bin_folder:
            chosen = ["-d", destination] if destination else []
            return self._run(Path(bin_folder), folder, "-c", file, *chosen)

    def _ask(self, template: str, questions: object) -> Any:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "ask.yml").write_text(template, encoding="utf-8")
            (folder / "cases.json").write_text(json.dumps(questions), encoding="utf-8")
            files = {"CASES": str(folder / "cases.json"), "ANSWERS": str(folder / "answers.json")}
            ran = self._run(folder, folder, "-c", "ask.yml", **files)
            answers = folder / "answers.json"
            if not answers.exists():
                raise RuntimeError(f"the oracle gave no answers: {ran.stdout}{ran.stderr}")
            return json.loads(answers.read_text(encoding="utf-8"))

    def _run(self, bin_folder: Path, folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        docker = bin_folder / "docker"
        docker.write_text(_DOCKER, encoding="utf-8")
        docker.chmod(0o755)
        path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [self.program, "config", "--version", "1", *words],
            cwd=folder, env={"PATH": path, "HOME": str(bin_folder), "LANG": "C.UTF-8", **environ},
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip


def installed(version: str = NEWEST) -> Kamal | None:
    """The Kamal of that version, if it is there."""
    program = VERSIONS[version] / "bin" / "kamal"
    return Kamal(program) if program.exists() else None


_EXACT = re.compile(
    r"(\S.*?): (?:should be |is required$|multiple hosts found$|invalid label\.|Alias |Invalid alias name)"
)
_KEYS = re.compile(r"(?:(\S.*?): )?unknown keys?: (.+)")
_BELOW = re.compile(r"(\S+): ")


def place(words: str) -> str:
    """Where Kamal's words put the fault: `ssh/port`; `ssh/`, some key there or below; `/` where they do not say.

    Nothing for no words. Of several unknown keys it is the first.
    """
    if not words:
        return ""
    error, _, message = words.partition(": ")
    if error != "Kamal::ConfigurationError":
        return "/"
    if keys := _KEYS.fullmatch(message):
        return "/".join(filter(None, (keys[1], keys[2].split(", ")[0])))
    if exact := _EXACT.match(message):
        return exact[1]
    below = _BELOW.match(message)
    return f"{below[1]}/" if below else "/"
