"""`validate` against `kamal config`, whole processes, in turn, on the same files; and how often the two agree.

`bin/invoke dev.bench` prints it after the forwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.forward import KAMAL, PROGRAM, figures

_USUAL = """\
service: shop
image: example/shop
servers:
  web: [192.0.2.10, 192.0.2.11]
  job: {hosts: [192.0.2.12], cmd: bin/jobs}
proxy: {ssl: false, host: shop.example.com}
registry: {server: "localhost:5555"}
builder: {arch: amd64}
env:
  clear: {RAILS_LOG_LEVEL: info}
  secret: [RAILS_MASTER_KEY]
ssh: {user: deploy, proxy: ops@bastion.example.com}
"""
_FILES = {
    "a usual file": _USUAL,
    "300 lines": _USUAL + "accessories:\n" + "".join(f"  a{n}:\n    image: a\n    host: h\n" for n in range(96)),
    "with ERB": _USUAL + "aliases:\n<% 20.times do |n| %>\n  a<%= n %>: app exec date\n<% end %>\n",
}


def main(runs: int = 6) -> int:
    """Print the table; 1 where the record has a difference that is not listed."""
    from tests.deploy import corpus, differences, mutants

    print(f"\n{'':34}{'kamal config':>18}{'validate':>20}{'ratio':>8}")
    for title, text in _FILES.items():
        kamal, ours = _measure(text, runs)
        print(f"{title:34}{figures(kamal):>18}{figures(ours):>20}{median(ours) / median(kamal):>8.2f}")
    differing, _ = differences.found()
    judged = len(list(corpus.cases())) + len(mutants.recorded())
    print(
        f"of {judged} configurations, {len(differing)} are judged otherwise than by Kamal, beside docs/differences.md"
    )
    return int(bool(differing))


def _measure(text: str, runs: int) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "deploy.yml").write_text(text, encoding="utf-8")
        kamal, ours = [], []
        for _ in range(runs):
            kamal.append(_time([KAMAL, "config", "--version", "1", "-c", "deploy.yml"], folder))
            ours.append(_time([PROGRAM, "validate", "deploy.yml"], folder))
        return kamal, ours


def _time(command: Sequence[str], folder: Path) -> float:
    began = time.monotonic()
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{command[0]} ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
    return time.monotonic() - began
