"""Daemon threads for the walk.

concurrent.futures joins its threads when the process ends, and `getaddrinfo` or `connect` can't be
interrupted: one dead name server would hold the report back. These threads are left behind instead.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Pool:
    """At most `size` daemon threads, started as they are needed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._started = 0
        self._busy = 0
        self._lock = threading.Lock()

    def submit(self, work: Callable[..., T], *args: Any) -> Future[T]:
        """Run `work(*args)` on a thread; what it returns or raises is in the future."""
        future: Future[T] = Future()

        def job() -> None:
            try:
                result = work(*args)
            except BaseException as error:  # noqa: BLE001 - it is raised again by whoever asks for the result
                self._free()
                future.set_exception(error)
            else:
                self._free()
                future.set_result(result)

        with self._lock:
            self._busy += 1
            grow = self._busy > self._started and self._started < self._size
            self._started += grow
        self._jobs.put(job)
        if grow:
            threading.Thread(target=self._work, daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            self._jobs.get()()

    def _free(self) -> None:
        with self._lock:
            self._busy -= 1
