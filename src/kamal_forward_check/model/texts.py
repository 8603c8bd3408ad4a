"""Every text in a value of the model, changed the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")

HIDDEN = "***"


def mapped(value: T, change: Callable[[str], str]) -> T:
    """`value` with `change` made to every text in it, through dataclasses, tuples and mappings."""
    return cast("T", _mapped(value, change))


def without(value: T, secrets: tuple[str, ...]) -> T:
    """`value` with none of `secrets` in any text."""
    longest_first = sorted(secrets, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in longest_first:
            text = text.replace(secret, HIDDEN)
        return text

    return mapped(value, hide) if secrets else value


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else change(value)
    kind: Any = type(value)
    if names := _names(kind):
        return kind(**{name: _mapped(getattr(value, name), change) for name in names})
    if isinstance(value, tuple):
        return tuple(_mapped(inside, change) for inside in value)
    if isinstance(value, Mapping):
        return {_mapped(key, change): _mapped(inside, change) for key, inside in value.items()}
    return value


@cache
def _names(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass; none for any other type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
