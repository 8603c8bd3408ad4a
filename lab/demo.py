"""A bastion and two targets of which one refuses, and the check run on them for real."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from lab.lab import Home, Lab, can_isolate
from lab.project import deploy_yml, write_project

FAULT = "allow-tcp-forwarding-no-dropin"
_FOUND = 1
_PROGRAM = str(Path(sys.executable).with_name("kamal-forward-check"))


def main() -> int:
    """Show it. 0 where the check said what it must say here, else the status that it ended with."""
    why_not = can_isolate()
    with Lab() as lab:
        status = _without_faults(lab, why_not) if why_not else _with_a_fault(lab)
    _say("Everything is gone again.")
    if why_not:
        _say("As root, the demo has a target that refuses.")
        return status
    _say("Other faults: python3 -m lab faults; your own project: bin/invoke check")
    return 0 if status == _FOUND else status or 1


def a_target_refuses(lab: Lab) -> tuple[Home, Path]:
    """A bastion and two targets, of which one refuses; a person's home, and the project that deploys to them."""
    lab.host("bastion", "front", "back", login="ops")
    lab.host("web-1", login="deploy", faults=[FAULT])
    lab.host("web-2", login="deploy")
    lab.start()
    home = lab.home()
    text = deploy_yml(["web-1", "web-2"], proxy="ops@bastion", user="deploy")
    return home, write_project(home.path / "shop", text)


def _with_a_fault(lab: Lab) -> int:
    """The status of the check where one of two targets refuses."""
    home, project = a_target_refuses(lab)
    _say("Started on this machine, in networks of their own: a bastion, and behind it web-1 and web-2.")
    _say("web-1 has a hardening file that forbids the forward. In a project whose config/deploy.yml says")
    _show("ssh:\n  user: deploy\n  proxy: ops@bastion\nregistry:\n  server: localhost:5555")
    _say("`kamal deploy` would wait 30 seconds and say `Failed to establish port forward on web-1`. This says:")
    return _check(lab, home, project)


def _without_faults(lab: Lab, why_not: str) -> int:
    """One granted target through a bastion: all that an unprivileged user can start; the status of the check."""
    bastion, target = lab.host("bastion", "front", "back"), lab.host("web-1")
    lab.start()
    home = lab.home()
    jump = f"{bastion.login}@{bastion.address['front']}:{bastion.port}"
    text = deploy_yml([target.address["back"]], proxy=jump, user=f"{target.login}\n  port: {target.port}")
    project = write_project(home.path / "shop", text)
    _say(f"Started on this machine: a bastion and a target that works. One that refuses can't be: {why_not}.")
    # ssh looks for keys and known_hosts in the user's own home, which is not touched: they are named instead.
    return _check(lab, home, project, "--identity", str(home.key), "--known-hosts", str(home.known_hosts))


def _check(lab: Lab, home: Home, project: Path, *options: str) -> int:
    _show(f"$ {shlex.join(['kamal-forward-check', 'check', *options])}")
    environ = {
        **home.environ,
        **{name: os.environ[name] for name in ("TERM", "COLUMNS", "NO_COLOR") if name in os.environ},
    }
    return subprocess.run(
        lab.command([_PROGRAM, "check", *options], home, cwd=project), env=environ, check=False
    ).returncode


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _show(text: str) -> None:
    print("\n" + "\n".join(f"    {line}" for line in text.splitlines()) + "\n", flush=True)
