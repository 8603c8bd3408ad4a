"""The program itself; what it reports as JSON goes as text into the file named first as well: one walk, two reports."""

import sys
from pathlib import Path

from kamal_forward_check import program
from kamal_forward_check.model import Report
from kamal_forward_check.report import json, text

as_json = json.render


def render(report: Report) -> str:
    Path(sys.argv[1]).write_text(text.render(report), encoding="utf-8")
    return as_json(report)


if __name__ == "__main__":
    json.render = render
    program.run([program.NAME, *sys.argv[2:], "--format", "json"])
