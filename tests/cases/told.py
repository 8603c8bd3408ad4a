"""The program itself, once for each line of input: a list of words, as JSON. Writes a line with its exit status each.

What it imports is imported once: a run is a fork of this process. It leaves `stdout` and `stderr` in the folder named
first, and what it reports as JSON as text as well, in `report.txt`: one walk, two reports.
"""

import gc
import json as words_json
import os
import signal
import sys
from pathlib import Path

import jsonschema.validators

from kamal_forward_check import check, door, events, program
from kamal_forward_check.model import Report
from kamal_forward_check.probe import own_port, walk
from kamal_forward_check.report import json, script, text

IMPORTED = jsonschema.validators, check, door, events, own_port, walk, script
"""What a check imports when it needs it."""
FOLDER = Path(sys.argv[1])
LIMIT = 60
"""Seconds."""

as_json = json.render


def render(report: Report) -> str:
    (FOLDER / "report.txt").write_text(text.render(report), encoding="utf-8")
    return as_json(report)


def streams() -> None:
    """Nothing to read, and files to write to."""
    for number, name in enumerate((Path(os.devnull), FOLDER / "stdout", FOLDER / "stderr")):
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(handle, number)
        os.close(handle)


if __name__ == "__main__":
    json.render = render
    gc.freeze()  # a fork's collections leave what is imported alone
    for line in sys.stdin:
        run = os.fork()
        if run == 0:
            streams()
            signal.alarm(LIMIT)
            program.run([program.NAME, *words_json.loads(line)])
        _, ended = os.waitpid(run, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(ended)}\n")
        sys.stdout.flush()
