"""`python3 -m lab`: a lab to try things in by hand."""

from __future__ import annotations

import argparse
import subprocess
import sys

from lab import faults
from lab.host import USERS
from lab.lab import Lab, can_isolate
from lab.project import deploy_yml, write_project


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    shell = commands.add_parser("shell", help="start a bastion and targets, and open a shell on the deployer")
    shell.add_argument("--targets", type=int, default=2, help="how many targets: web-1, web-2, ... (2)")
    shell.add_argument(
        "--user",
        default="deploy",
        choices=sorted(USERS),
        help="who logs in on the targets (deploy)",
    )
    shell.add_argument(
        "--fault", action="append", default=[], metavar="HOST=NAME", help="as in web-1=no-data; repeatable"
    )
    shell.add_argument("--agent", action="store_true", help="start an ssh-agent with the key")
    shell.add_argument("program", nargs="*", help="run this instead of a shell (put -- before it)")
    commands.add_parser("faults", help="list the faults")
    given = parser.parse_args()
    if given.command == "faults":
        for fault in faults.ALL.values():
            print(f"{fault.name:42} {fault.about}")
        return 0
    if why_not := can_isolate():
        print(f"the lab's shell can't start: {why_not}", file=sys.stderr)
        return 2
    targets = [f"web-{number}" for number in range(1, given.targets + 1)]
    chosen: dict[str, list[str]] = {name: [] for name in ("bastion", *targets)}
    for pair in given.fault:
        host, _, fault = pair.partition("=")
        if host not in chosen:
            parser.error(f"--fault {pair}: the hosts are {', '.join(chosen)}")
        if fault not in faults.ALL:
            parser.error(f"--fault {pair}: there is no fault {fault!r}; python3 -m lab faults lists them")
        chosen[host].append(fault)
    return _shell(given, chosen)


def _shell(given: argparse.Namespace, chosen: dict[str, list[str]]) -> int:
    """A shell among hosts with the faults that are chosen for each: the bastion, then the targets."""
    bastion, *targets = chosen
    with Lab() as lab:
        lab.host(bastion, "front", "back", faults=chosen[bastion], login="ops")
        for target in targets:
            lab.host(target, "back", faults=chosen[target], login=given.user)
        lab.start()
        home = lab.home(agent=given.agent)
        text = deploy_yml(targets, proxy="ops@bastion", user=given.user)
        project = write_project(home.path / "shop", text)
        program = given.program or ["bash", "--norc", "-i"]
        if not given.program:
            print(f"On the deployer. Logs: {lab.folder}/NAME.log; hosts' files: {lab.root('NAME')}. Leave with exit.")
        environ = {**home.environ, "TERM": "xterm-256color", "PS1": "deployer:\\w$ "}
        return subprocess.run(lab.command(program, home, cwd=project), env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
