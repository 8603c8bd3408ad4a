"""A run that is ended from outside, at either door: what is open is closed, within a bound, and the status says so."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn

from kamal_forward_check.errors import Exit

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What a runner sends to cancel a step: the first, the second 7.5 seconds later, and then it kills."""

SECONDS = 5
"""The longest that cleaning up takes."""


def heed() -> None:
    """From now on a signal raises KeyboardInterrupt. What a shell has ignored stays so.

    PID 1 has no default handlers: without these a cancelled job's container would live on.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """End the check at a first signal. A second leaves the cleaning-up alone; what takes it too long is left behind."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)  # SIG_IGN would have Python complain of one that came just before
    signal.signal(signal.SIGALRM, lambda *_: os._exit(Exit.INTERRUPTED))
    signal.alarm(SECONDS)
    raise KeyboardInterrupt
