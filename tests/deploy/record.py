"""What the real Kamals say to the corpus, and what we find, written down: `bin/invoke dev.oracle`.

Read the difference after.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.deploy import corpus
from tests.deploy.oracle import VERSIONS, installed


def main() -> int:
    """Write a TOPIC.expected beside every TOPIC.txt. Without a Kamal here, its recorded words are kept."""
    outcomes = _corpus()
    corpus.write(outcomes)
    return 0


def _corpus() -> dict[str, dict[str, corpus.Outcome]]:
    before = corpus.recorded()
    outcomes: dict[str, dict[str, corpus.Outcome]] = {case.name: {} for case in corpus.cases()}
    with tempfile.TemporaryDirectory() as name:
        for case in corpus.cases():
            case.write(Path(name) / case.name)
        for version in VERSIONS:
            kamal = installed(version)
            asked = {case.name: (Path(name) / case.name, case.destination) for case in corpus.cases()}
            said = kamal.judge(asked) if kamal else {case: before[case][version].kamal for case in asked}
            for case in corpus.cases():
                found = corpus.lines(case.load(Path(name) / case.name, version).problems)
                outcomes[case.name][version] = corpus.Outcome(said[case.name], found)
    return outcomes
