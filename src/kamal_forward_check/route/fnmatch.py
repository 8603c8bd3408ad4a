"""Ruby's File.fnmatch, as far as `--hosts` and `--roles` can use it.

Python's fnmatch knows no backslash and lets `*` match a leading dot. Kamal also asks for braces, which never
arrive: it splits the option at its commas first.
"""

from __future__ import annotations

import re

_PART = re.compile(r"(?P<any>[*?])|\[(?P<not>[!^])?(?P<set>(?:\\.|[^\]\\])+)\]|\\(?P<plain>.?)|(?P<other>.)", re.DOTALL)
_NEVER = "(?!)"


def fnmatch(pattern: str, text: str) -> bool:
    """Whether the whole text matches. `*` matches a slash too, but no dot at the text's start."""
    dotted = pattern[:1] in ("*", "?", "[") and text.startswith(".")
    try:
        return not dotted and re.fullmatch("".join(map(_regex, _PART.finditer(pattern))), text, re.DOTALL) is not None
    except re.error:  # a range that runs backwards
        return False


def _regex(part: re.Match[str]) -> str:
    if part["any"]:
        return ".*" if part["any"] == "*" else "."
    if part["set"]:
        # A range keeps its dash; all else that Python's sets would read otherwise is taken as it stands.
        inside = re.sub(r"\\(.)|([\[&~|^])", lambda found: re.escape(found[1] or found[2]), part["set"])
        return f"[{'^' if part['not'] else ''}{inside}]"
    return _NEVER if part["other"] == "[" else re.escape(part["plain"] or part["other"] or "")
