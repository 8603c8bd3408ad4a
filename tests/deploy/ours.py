"""Our own verdicts on many configurations, by all cores."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.deploy import corpus
from tests.deploy.corpus import Case

_CHUNK = 200


def errors(cases: Sequence[Case], kamal: str) -> Iterator[list[str]]:
    """The paths of our errors in each case, for a version of Kamal."""
    chunks = [cases[first : first + _CHUNK] for first in range(0, len(cases), _CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(partial(_errors, kamal=kamal), chunks):
            yield from found


def _errors(cases: Sequence[Case], kamal: str) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(number) for number in range(len(cases))]
        for case, folder in zip(cases, folders, strict=True):
            case.write(folder)
        return [corpus.errors(case.load(folder, kamal).problems) for case, folder in zip(cases, folders, strict=True)]
