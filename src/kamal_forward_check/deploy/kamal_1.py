"""What a file for Kamal 1 has, and Kamal 2 refuses: said once, in one friendly problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kamal_forward_check.model import Node, Problem, ProblemKind, Severity

_BELOW_THE_TOP = {("servers", "traefik"), ("servers", "healthcheck"), ("builder", "multiarch")}
_GUIDE = (
    "Follow Kamal's upgrade guide: `proxy` takes the place of `traefik`, and holds the `healthcheck`; `builder` has an "
    "`arch`, and `remote: ssh://user@host`."
)
_BUILDERS = {("builder", "local"), ("builder", "remote")}
_AT_THE_TOP = {"traefik", "healthcheck", "stop_wait_time"}


def leftover(path: tuple[str | int, ...], node: Node) -> Problem | None:
    """The problem of a key that only Kamal 1 knew, or None for any other."""
    if not (path[-1] in _AT_THE_TOP if len(path) == 1 else (path[0], path[-1]) in _BELOW_THE_TOP):
        return None
    name = "/".join(map(str, path))
    return Problem(ProblemKind.KAMAL_1, Severity.ERROR, f"`{name}`", node.key or node.at, name)


def builder(path: tuple[str | int, ...], node: Node) -> Problem | None:
    """The problem of a builder in Kamal 1's way, a mapping with `host` and `arch`, or None for any other value."""
    if path not in _BUILDERS or not isinstance(node.value, dict) or not node.value.keys() & {"arch", "host"}:
        return None
    name = "/".join(map(str, path))
    return Problem(ProblemKind.KAMAL_1, Severity.ERROR, f"mapping `{name}`", node.key or node.at, name)


def joined(leftovers: Sequence[Problem]) -> list[Problem]:
    """All leftovers as one problem, at the first of them."""
    if not leftovers:
        return []
    names = ", ".join(problem.message for problem in leftovers)
    return [
        replace(
            leftovers[0],
            message=f"this file was written for Kamal 1: Kamal 2 has no {names}",
            hint=_GUIDE,
        )
    ]
