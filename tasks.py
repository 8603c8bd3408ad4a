"""A person's door in a checkout: the product's tasks, and those for working on it.

`bin/invoke` runs this file; plain `invoke`, where it is installed, loads it too.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from kamal_forward_check import program
from kamal_forward_check.light_invoke import Collection, Context, Exit, task

ROOT = Path(__file__).resolve().parent


@contextmanager
def _set_up() -> Iterator[None]:
    """Say what only the machine's owner can provide as one message, without a traceback."""
    from dev.machine import CannotSetUp

    try:
        yield
    except CannotSetUp as error:
        raise Exit(f"kamal-forward-check: {error}", code=2) from None


def _become(*command: str) -> NoReturn:
    """Run `command` in this process's place: signals and the exit status are its own."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execv(command[0], command)  # noqa: S606 - our own commands


@task
def demo(_context: Context) -> None:
    """Start a bastion and two targets, of which one refuses, and check them for real."""
    from dev import machine

    with _set_up():
        machine.need(*machine.LAB)
    from lab.demo import main

    raise Exit(code=main())


@task(help={"args": "words for pytest, as one option: --args='-k forward -x'", "coverage": "measure branch coverage"})
def test(_context: Context, args: str = "", coverage: bool = False) -> None:
    """Get what the tests need and run them all."""
    from dev import environment, machine

    with _set_up():
        machine.need(*machine.LAB)
        machine.want(*machine.CONTAINERS)
        machine.want(*machine.BROWSER)
        environment.tools()
        environment.oracle()
    _become(sys.executable, "-I", "-m", "pytest", *shlex.split(args), *(["--cov"] if coverage else []))


@task
def lint(_context: Context) -> None:
    """Run every linter and the type checker."""
    from dev import environment, linters

    with _set_up():
        environment.tools()
    raise Exit(code=linters.run())


@task
def docs(_context: Context) -> None:
    """Write docs/rules/ anew from the rules themselves."""
    from kamal_forward_check.rules import pages

    folder = ROOT / "docs" / "rules"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in pages.files().items():
        (folder / name).write_text(text)


@task
def lock(_context: Context) -> None:
    """Write the hash-locked requirements anew from pyproject.toml."""
    from dev import environment, locks

    with _set_up():
        environment.tools()
        locks.write()


@task(help={"runs": "how often each is timed"})
def bench(_context: Context, runs: int = 6) -> None:
    """Time a check, and a file's judging, against the real Kamal; and say how often the two agree on files."""
    from dev import environment, machine

    with _set_up():
        machine.need(*machine.LAB)
        environment.tools()
        environment.oracle()
    from bench import forward, validate

    raise Exit(code=forward.main(runs) or validate.main(runs))


@task(help={"anew": "judge those mutants again that are recorded"})
def oracle(_context: Context, anew: bool = False) -> None:
    """Have the real Kamals judge the corpus of deploy.yml files and its mutants, and record what they say."""
    from dev import environment

    with _set_up():
        environment.tools()
        environment.oracle()
    from tests.deploy import record

    raise Exit(code=record.main(anew=anew))


@task
def faults(_context: Context) -> None:
    """Put every fault of the table to the proof, and print what was there against what was reported."""
    from dev import environment, machine

    with _set_up():
        machine.need(*machine.LAB)
        environment.tools()
    from tests.faults import confusion

    raise Exit(code=confusion.main())


_ENGINE = {"engine": "podman, with a stand-in for the base image, or docker, which fetches it where it can"}


@task(help=_ENGINE)
def image(_context: Context, engine: str = "podman") -> None:
    """Build the action's image, and say how large it is and how soon it speaks."""
    from dev import containers, machine

    with _set_up():
        machine.need(*(machine.CONTAINERS if engine == "podman" else ()))
        containers.build(engine)
    raise Exit(code=containers.measure(engine))


@task(help=_ENGINE)
def action(_context: Context, engine: str = "podman") -> None:
    """Build the action's image, and run it as GitHub's runner would, against servers and hostile workspaces."""
    from dev import containers, environment, machine

    with _set_up():
        machine.need(*machine.LAB, *(machine.CONTAINERS if engine == "podman" else ()))
        machine.want(*machine.BROWSER)
        environment.tools()
        containers.build(engine)  # where that fails, the tests would be skipped
    _become(sys.executable, "-I", "-m", "pytest", "tests/action", "--engine", engine)


@task(help={"folder": "where a project that deploys to them is written"})
def servers(_context: Context, folder: str = "shop") -> None:
    """Start a bastion and two targets, of which one refuses, for the steps of a workflow; they stay up."""
    from dev import machine

    with _set_up():
        machine.need(*machine.LAB)
    from lab.served import main

    raise Exit(code=main(Path(folder)))


@task(
    help={
        "tag": "the tag, as in v1.2.3",
        "image": "the published image by its digest; without it, only the tag is judged",
    }
)
def release(_context: Context, tag: str = "", image: str = "") -> None:
    """Make a release's commit, whose action.yml names the image, and the tags that point there. Nothing is pushed."""
    from dev import release

    with _set_up():
        release.refuse_another_version(tag)
        if image:
            print(*release.commit(tag, image))  # noqa: T201 - the workflow pushes them


@task(help={"samples": "draw each sample of the tests too, wide and narrow, into .browser/"})
def pictures(_context: Context, samples: bool = False) -> None:
    """Have Mermaid draw odd routes, and draw the summary of a failing one much as GitHub does: docs/summary-*.png."""
    from dev import environment, machine

    with _set_up():
        machine.need(*machine.LAB, *machine.PICTURES)
        environment.tools()
        from dev import pictures

        code = pictures.main(samples=samples)
    raise Exit(code=code)


@task
def ci(_context: Context) -> None:
    """Do what CI does: lint, then all tests."""
    _become(str(ROOT / ".ci" / "run"))


def namespace() -> Collection:
    """The product's tasks, with demo, test and dev.* beside them."""
    tasks = program.tasks()
    for own in (demo, test):
        tasks.add_task(own)  # type: ignore[arg-type] # @task gives a Task, and its types say a function
    tasks.add_collection(
        Collection("dev", lint, docs, lock, bench, faults, oracle, image, action, servers, release, pictures, ci)
    )
    return tasks


ns = namespace()

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # for dev and lab: bin/invoke runs python -I, which leaves the script's folder out
    program.run(namespace=ns)
