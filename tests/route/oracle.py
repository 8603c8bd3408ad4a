"""The real Kamal as a Ruby that has its own classes, net-ssh and dotenv loaded: deploy.yml may hold ERB.

One start takes about a second, so that each test asks many questions at once.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

KAMAL = Path(__file__).resolve().parents[2] / ".venv-oracle" / "bin" / "kamal"

needs_kamal = pytest.mark.skipif(not KAMAL.exists(), reason="there is no .venv-oracle with the real Kamal")

_DEPLOY_YML = """<%
data = JSON.parse(File.read("data.json"))
File.write("answer.json", JSON.generate(data.map { |it| begin; QUESTION; rescue Exception => e; "#{e.class}"; end }))
exit! 0
%>"""


def ruby(question: str, data: list[Any], environ: Mapping[str, str] | None = None) -> list[Any]:
    """What Kamal's Ruby makes of `question`, an expression over `it`, for each element of `data`.

    An exception's class stands for its answer.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data.json").write_text(json.dumps(data))
        (folder / "deploy.yml").write_text(_DEPLOY_YML.replace("QUESTION", question))
        done = subprocess.run(
            [KAMAL, "config", "-c", "deploy.yml", "--version", "x"],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": name, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        answer = folder / "answer.json"
        assert answer.exists(), done.stdout + done.stderr
        answers: list[Any] = json.loads(answer.read_text())
        return answers
