"""Servers for the steps of a workflow: they stay when the command that started them is done.

A bastion, and behind it a target that grants and one that refuses. A step on this machine reaches the bastion by
address, and so does a container, whose localhost is its own.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from lab.lab import Lab, can_isolate
from lab.project import deploy_yml, write_project

FAULT = "allow-tcp-forwarding-no-dropin"
_END = "that-was-all"


def main(folder: Path) -> int:
    """Start them, write a project that deploys to both targets into `folder`, and print what a workflow needs to know.

    That is, as GITHUB_OUTPUT has it: the addresses `grants` and `refuses`, a `private-key`, `known-hosts`, and the
    `process` that is left behind: they end with it.
    """
    if why_not := can_isolate():
        print(f"the servers can't start: {why_not}", file=sys.stderr)
        return 2
    said, say = os.pipe()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as trouble:
        if os.fork() == 0:
            os.close(said)
            os.setsid()
            nowhere = os.open(os.devnull, os.O_RDWR)
            for number, place in enumerate((nowhere, nowhere, trouble.fileno())):
                os.dup2(place, number)
            _serve(folder, say)
        os.close(say)
        with os.fdopen(said, encoding="utf-8") as answer:
            outputs = answer.read()
        trouble.seek(0)
        sys.stderr.write(trouble.read())
    sys.stdout.write(outputs)
    return int(not outputs)


def _serve(folder: Path, say: int) -> None:
    with Lab(reachable=True) as lab:
        bastion = lab.host("bastion", "front", "back", login="ops")
        grants, refuses = lab.host("grants", login="deploy"), lab.host("refuses", login="deploy", faults=[FAULT])
        lab.start()
        targets = [host.address["back"] for host in (grants, refuses)]
        write_project(folder, deploy_yml(targets, proxy=f"ops@{bastion.address['front']}", user="deploy"))
        outputs = {
            "grants": targets[0],
            "refuses": targets[1],
            "private-key": lab.key.read_text(encoding="ascii"),
            "process": str(os.getpid()),
            "known-hosts": lab.home(keys=False).known_hosts.read_text(encoding="ascii"),
        }
        text = "".join(f"{name}<<{_END}\n{value.rstrip()}\n{_END}\n" for name, value in outputs.items())
        with os.fdopen(say, "w", encoding="utf-8") as answer:
            answer.write(text)
        signal.pause()
