"""Percent tokens in commands and paths, and $VARIABLES: each client knows its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"%(.)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class UnknownTokenError(ValueError):
    """A token that the client does not know: it stops there."""


def expand(text: str, tokens: Mapping[str, str]) -> str:
    """`text` with each `%x` replaced; `%%` is a percent sign. Raises UnknownTokenError."""

    def value(found: re.Match[str]) -> str:
        try:
            return {"%": "%", **tokens}[found[1]]
        except KeyError:
            raise UnknownTokenError(found[0]) from None

    return _TOKEN.sub(value, text)


def expand_variables(text: str, environ: Mapping[str, str]) -> str:
    """`text` with each `${NAME}` replaced, as ssh_config(5) has it for paths."""
    return _VARIABLE.sub(lambda found: environ.get(found[1], ""), text)
