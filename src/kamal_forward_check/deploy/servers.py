"""Roles, accessories and their hosts in a merged tree, as Kamal works them out (2.11, configuration/role.rb)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kamal_forward_check.model import Node

PLACES = ("host", "hosts", "role", "roles", "tag", "tags")
"""The ways to say where an accessory runs: Kamal wants exactly one of them."""


def is_blank(node: Node | None) -> bool:
    """Rails' `blank?`: absent, null, false, or empty but for white space. What is not known is not blank."""
    if node is None:
        return True
    if node.unknown:
        return False
    value = node.value
    return value is None or value is False or (isinstance(value, (str, list, dict)) and not str(value or "").strip())


def is_true(node: Node | None) -> bool:
    """Ruby's own truth: all but absent, nil and false."""
    return node is not None and not node.unknown and node.value not in (None, False)


@dataclass(frozen=True, slots=True, eq=False)
class Role:
    """A role, and its mapping or list. A host that is not known counts as one."""

    name: str
    node: Node

    @property
    def listed(self) -> Node | None:
        """The value that should be its list of servers."""
        return self.node.get("hosts") if isinstance(self.node.value, dict) and not self.node.unknown else self.node

    @property
    def hosts(self) -> tuple[str, ...]:
        """Its servers' names, each once."""
        return tuple(_hosts(self.listed))

    @property
    def proxy(self) -> Node | None:
        """Its own settings of kamal-proxy."""
        return self.node.get("proxy")


@dataclass(frozen=True, slots=True)
class Servers:
    """All roles of a file. `known` is false where ERB hides some of them."""

    roles: tuple[Role, ...]
    primary: str
    known: bool

    @classmethod
    def of(cls, root: Node) -> Servers:
        """The roles of a file; a list of servers is the role `web`."""
        primary = root.get("primary_role")
        name = str(primary.value) if is_true(primary) and primary else "web"
        servers = root.get("servers")
        known = not root.unknown and not (servers and servers.unknown) and not (primary and primary.unknown)
        if servers and isinstance(servers.value, list):
            return cls((Role("web", servers),), name, known)
        return cls(tuple(Role(key, node) for key, node in (servers.items() if servers else ())), name, known)

    def role(self, name: str) -> Role | None:
        """The role of that name."""
        return next((role for role in self.roles if role.name == name), None)

    def role_by(self, name: Node) -> Role | None:
        """The role that a value names: Kamal compares what Ruby prints of it."""
        return self.role(str(name.value).lower() if isinstance(name.value, bool) else str(name.value))

    def hosts_of(self, accessory: Node) -> tuple[str, ...]:
        """Where an accessory runs."""
        if host := accessory.get("host"):
            return (str(host.value),)
        if hosts := accessory.get("hosts"):
            return tuple(_hosts(hosts))
        roles = (self.role(name) for name in _words(accessory, "role", "roles"))
        tagged = (_tagged(role.node, tag) for tag in _words(accessory, "tag", "tags") for role in self.roles)
        return (*(host for role in roles if role for host in role.hosts), *(host for hosts in tagged for host in hosts))


def _hosts(listed: Node | None) -> Iterator[str]:
    """The names in a list of servers, each once. Kamal passes over all that is neither string nor mapping."""
    seen = {}
    if listed and listed.unknown:
        seen["?"] = True
    for element in listed.elements() if listed else ():
        if isinstance(element.value, dict):
            seen |= dict.fromkeys(list(element.value)[:1] or (["?"] if element.unknown else []), True)
        elif isinstance(element.value, str):
            seen[element.value] = True
    yield from seen


def _words(accessory: Node, one: str, several: str) -> list[str]:
    if node := accessory.get(one):
        return [str(node.value)]
    listed = accessory.get(several)
    return [str(element.value) for element in listed.elements()] if listed else []


def _tagged(role: Node, tag: str) -> Iterator[str]:
    """The hosts of a role with a tag. Kamal looks in roles that are lists alone, and in a tag for a part of it."""
    for element in role.elements():
        for host, tags in element.items():
            if tag in (tags.value if isinstance(tags.value, str) else [inner.value for inner in tags.elements()]):
                yield host
