"""Facts of a deploy.yml alone, from its text; « and » in it mark the place that a finding is to cover."""

from __future__ import annotations

from kamal_forward_check.model import Span, Trace
from kamal_forward_check.rules import Facts
from tests.route.made import FILE, NEWEST, config

LOCAL = "service: shop\nimage: shop\nbuilder: {arch: amd64}\nregistry: {server: 'localhost:5555'}\n"
FAR = "service: shop\nimage: shop\nbuilder: {arch: amd64}\nregistry: {server: ghcr.io, username: a, password: [B]}\n"
SERVERS = "servers: [192.0.2.10]\n"


def of_file(
    marked: str, *, kamal: str = NEWEST, secrets: dict[str, str] | None = None, traces: tuple[Trace, ...] = ()
) -> Facts:
    """The facts of a file with this text, without its marks."""
    read = config(marked.replace("«", "").replace("»", ""), kamal)
    return Facts(config=read, problems=read.problems, secrets=secrets or {}, traces=traces)


def marked_place(marked: str) -> Span:
    """The place between the marks."""
    before, _, rest = marked.partition("«")
    covered = rest.partition("»")[0]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Span(FILE, line, column, line + covered.count("\n"), column + len(covered))
