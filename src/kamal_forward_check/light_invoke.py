"""invoke without what it loads and we never use, which is half of its import and a tenth of a whole check.

It loads `unittest.mock`, and asyncio with it, for a class that only tests want, and a PyYAML of its own, although
it takes an installed one as well (invoke 2.2.1, context.py and util.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import yaml


@contextmanager
def _standing_in(**modules: ModuleType) -> Iterator[None]:
    """Modules that are not loaded yet, found under these names (`__` for a dot) while the block runs."""
    named = {name.replace("__", "."): module for name, module in modules.items()}
    absent = {name: module for name, module in named.items() if name not in sys.modules}
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


_no_mock = ModuleType("unittest.mock")
_no_mock.Mock = None  # type: ignore[attr-defined]

with _standing_in(unittest__mock=_no_mock, invoke__vendor__yaml=yaml):
    from invoke import Collection, Config, Context, Exit, Program, Task, task
    from invoke.exceptions import ParseError

__all__ = ["Collection", "Config", "Context", "Exit", "ParseError", "Program", "Task", "task"]
