"""Work on text that someone else wrote, in a child process that can't use up the machine."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

SECONDS = 2
"""Of the processor's time: a busy machine does not make the bound tighter."""
BYTES = 128 * 1024 * 1024
"""Beyond what this process has already. Where a system does not keep to it (macOS), the seconds still count."""


def in_child(work: Callable[[], T]) -> T | None:
    """What `work` returns, or None where it runs over a bound or crashes. Its result goes through a pipe, pickled.

    A fork, not a new interpreter: it takes a few milliseconds. No thread may be running.
    """
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads, which only tests have
        child = os.fork()
    if not child:
        _work(work, writer)
    os.close(writer)
    try:
        with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor
            said = pipe.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(child, 0)
    result: T | None = pickle.loads(said) if said and not status else None  # noqa: S301 - our own words, from our own fork
    return result


def _work(work: Callable[[], Any], writer: int) -> NoReturn:
    """The child's whole life: it must not return into the code that called the parent."""
    try:
        _limit()
        with open(writer, "wb") as pipe:
            pickle.dump(work(), pipe)
    except BaseException:  # noqa: BLE001 - whatever it is, it ends here
        os._exit(1)
    os._exit(0)


def _limit() -> None:
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + BYTES)
    with suppress(OSError, ValueError):
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_CPU, SECONDS)


def _lower(which: int, limit: int) -> None:
    _, most = resource.getrlimit(which)
    resource.setrlimit(which, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))
