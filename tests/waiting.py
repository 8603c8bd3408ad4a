"""Waiting for what must come true soon, on an idle machine at once."""

from __future__ import annotations

import time
from collections.abc import Callable

_SECONDS = 60.0
"""What is not true by then does not come true; a slow machine needs a part of it."""


def until(true: Callable[[], bool]) -> None:
    """Return as soon as it is `true`."""
    end = time.monotonic() + _SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)
