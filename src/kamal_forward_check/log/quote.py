"""A line of a log as it may be shown again: on one line, short, and without what looks like a secret."""

from __future__ import annotations

import re

from kamal_forward_check.report.clean import one_line

LONGEST = 200
HIDDEN = "[hidden]"

_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*"),
    re.compile(r"(?i)(?<=://)[^\s/@:]{0,200}:[^\s/@]{1,400}(?=@)"),
    re.compile(
        r"(?i)(?P<name>password|passwd|passphrase|secret|token|api_?key|access_?key|master_?key|private_?key|key_base"
        r"|credentials?)"
        r"(?P<is>[\"']?\s{0,3}(?:=|:\s|=>)\s{0,3})(?P<value>\"[^\"]{1,2000}\"?|'[^']{1,2000}'?|[^\s,;&]{1,2000})"
    ),
    re.compile(r"(?i)(?P<name>\bauthorization)(?P<is>:\s{0,3})(?P<value>.+)"),
    re.compile(r"(?i)(?P<name>\bbearer)(?P<is>\s{1,3})(?P<value>[\w.~+/=-]{8,2000})"),
    re.compile(r"(?P<name>\blogin\b.{0,300}?\s-p|--password)(?P<is>[\s=]{1,3})(?P<value>\S{1,2000})"),
    re.compile(r"\b(?:gh[opsur]_\w{20,255}|github_pat_\w{20,255}|glpat-[\w-]{20,255}|xox[abprs]-[\w-]{10,255}"
               r"|AKIA[A-Z0-9]{16}|dckr_pat_[\w-]{20,255}|sk-[\w-]{20,255}|ops_[\w-]{40,2000}"
               r"|eyJ[\w-]{10,300}\.[\w-]{10,2000}(?:\.[\w-]{0,2000})?)"),
)  # fmt: skip
"""Shapes of secrets. `value` is hidden where a pattern names one, else all of it."""
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z ")  # GitHub's, before every line
_LOGGER = re.compile(r"^[DIWEF], \[[^\]]{1,60}\] {1,3}[A-Z]{1,5} -- ")  # of Ruby, before net-ssh's words
_GROUP = re.compile(r"^##\[(?:group|error|warning|command|debug|section)\]")


def quoted(line: str, near: str = "") -> str:
    """`line` for showing, at most LONGEST characters of it, those around `near`. What is hidden says so."""
    text = masked(_LOGGER.sub("", _GROUP.sub("", _STAMP.sub("", line)).strip()))
    if len(text) > LONGEST:
        at = max(0, text.find(near))
        begin = min(max(0, at - LONGEST // 3), len(text) - LONGEST)
        end = begin + LONGEST
        text = "…" * (begin > 0) + text[begin:end] + "…" * (end < len(text))
    return one_line(text)


def masked(text: str) -> str:
    """`text` with what looks like a secret hidden."""
    for shape in _SECRETS:
        text = shape.sub(_hide, text)
    return text


def _hide(found: re.Match[str]) -> str:
    parts = found.groupdict()
    return f"{parts['name']}{parts['is']}{HIDDEN}" if parts else HIDDEN
