"""Record anew what the real Kamal says to the corpus, and what we find: read the difference after.

    python -m tests.deploy.record [KAMAL…]

KAMAL is the program of one version; by default the one in `.venv-oracle`. Words of other versions are kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.deploy import corpus
from tests.deploy.oracle import Kamal, installed


def main(programs: list[str]) -> None:
    """Write a TOPIC.json beside every TOPIC.txt."""
    oracles = [Kamal(Path(program)) for program in programs] or [kamal for kamal in [installed()] if kamal]
    before = corpus.recorded()
    topics: dict[str, dict[str, corpus.Recorded]] = defaultdict(dict)
    with tempfile.TemporaryDirectory() as name:
        folders = {}
        for case in corpus.cases():
            folders[case.name] = Path(name) / case.name
            case.write(folders[case.name])
        words = {
            _version(oracle): oracle.judge(
                {case.name: (folders[case.name], "deploy.yml", case.destination) for case in corpus.cases()}
            )
            for oracle in oracles
        }
        for case in corpus.cases():
            said = before[case.name]["kamal"] if case.name in before else {}
            said |= {version: answers[case.name] for version, answers in words.items()}
            topic, _, name_in_topic = case.name.partition("/")
            listed = {
                version: [corpus.line(problem) for problem in case.load(folders[case.name], version).problems]
                for version in sorted(said)
            }
            topics[topic][name_in_topic] = corpus.Recorded(kamal=dict(sorted(said.items())), found=listed)
    for topic, recorded in topics.items():
        text = json.dumps(recorded, indent=1, ensure_ascii=False) + "\n"
        (corpus.FOLDER / f"{topic}.json").write_text(text, encoding="utf-8")


def _version(kamal: Kamal) -> str:
    return subprocess.run([kamal.program, "version"], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main(sys.argv[1:])
