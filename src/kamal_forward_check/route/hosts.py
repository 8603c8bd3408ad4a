"""The hosts that `kamal build pull` forwards to: roles and accessories, each once, the primary role's first.

Kamal 2.8.2: configuration.rb (all_hosts), configuration/role.rb, configuration/accessory.rb,
commander.rb and commander/specifics.rb.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import Given, Node, Skipped
from kamal_forward_check.route.fnmatch import fnmatch
from kamal_forward_check.settings import Settings

Host = Given[str]


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The hosts in Kamal's order, each with the line that put it there, and those that can't be known."""

    hosts: tuple[Host, ...]
    unknown: tuple[Skipped, ...] = ()


def forwarded_hosts(root: Node, settings: Settings) -> Forwarded:
    """The hosts that `--hosts` and `--roles` leave; none is possible.

    Raises CannotCheck where a filter matches nothing at all: Kamal stops there.
    """
    servers = _Servers(root)
    known = servers.all_hosts()
    hosts = tuple(known[name] for name in _chosen(servers, tuple(known), settings))
    return Forwarded(hosts, tuple(servers.unknown))


@dataclass(frozen=True, slots=True)
class _Role:
    name: str
    hosts: tuple[Host, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(host.value for host in self.hosts)


@dataclass(slots=True)
class _Servers:
    """`servers` and `accessories` of a deploy.yml, as far as they can be known."""

    root: Node
    unknown: list[Skipped] = field(default_factory=list)
    roles: tuple[_Role, ...] = field(init=False)
    primary: _Role | None = field(init=False)

    def __post_init__(self) -> None:
        self.roles = tuple(self._roles())
        node = self.root.get("primary_role")
        primary = node.value if node else "web"
        self.primary = next((role for role in self.roles if role.name == primary), None)

    def all_hosts(self) -> dict[str, Host]:
        """Every host once, at the first place that names it."""
        found: dict[str, Host] = {}
        for host in (*(host for role in self.roles for host in role.hosts), *self._accessory_hosts()):
            found.setdefault(host.value, host)
        return found

    def _roles(self) -> Iterator[_Role]:
        servers = self._known(self.root.get("servers"), "servers")
        if servers is None:
            return
        if isinstance(servers.value, list):
            yield _Role("web", tuple(self._hosts(servers, "servers")))
        for name, node in sorted(servers.items()):
            path = f"servers/{name}"
            hosts = node.get("hosts") if isinstance(node.value, dict) else node
            yield _Role(name, tuple(self._hosts(self._known(hosts, path), path)) if hosts else ())

    def _hosts(self, node: Node | None, path: str) -> Iterator[Host]:
        """The hosts of a list: texts, and the first keys of mappings (their values are tags).

        Kamal drops numbers and booleans without a word.
        """
        for element in [node] if node and isinstance(node.value, str) else node.elements() if node else ():
            known = self._known(element, path)
            if known is not None and isinstance(known.value, str):
                yield Given(known.value, path, known.at)
            for name, tags in list(known.items())[:1] if known else ():
                yield Given(name, path, tags.key or element.at)

    def _accessory_hosts(self) -> Iterator[Host]:
        accessories = self._known(self.root.get("accessories"), "accessories")
        for name, node in accessories.items() if accessories else ():
            path = f"accessories/{name}"
            accessory = self._known(node, path)
            if accessory is not None:
                yield from self._hosts_of(accessory, path)

    def _hosts_of(self, accessory: Node, path: str) -> Iterator[Host]:
        """Kamal's order of precedence: the first of these keys that is there."""
        readers: dict[str, Callable[[Node, str], Iterable[Host]]] = {
            "host": self._hosts,
            "hosts": self._hosts,
            "role": self._of_roles,
            "roles": self._of_roles,
            "tag": self._with_tags,
            "tags": self._with_tags,
        }
        for key, reader in readers.items():
            if (node := accessory.get(key)) is not None:
                if self._known(node, path) is not None:
                    yield from reader(node, path)
                return

    def _of_roles(self, node: Node, path: str) -> Iterator[Host]:
        for name in self._texts(node, path):
            yield from (host for role in self.roles if role.name == name for host in role.hosts)

    def _with_tags(self, node: Node, path: str) -> Iterator[Host]:
        servers = self.root.get("servers")
        if servers is not None and isinstance(servers.value, list) and isinstance(node.value, list):
            why = "tags need servers that are grouped by role: Kamal takes nil for a host"
            self.unknown.append(Skipped(f"hosts of {path}", why))
        for tag in self._texts(node, path):
            for name, role in servers.items() if servers else ():
                # Tags under `hosts:` of a role are not looked at.
                for element in role.elements():
                    for host, tags in list(element.items())[:1]:
                        if self._known(tags, path) and _has_tag(tags, tag):
                            yield Given(host, f"servers/{name}", tags.key or element.at)

    def _texts(self, node: Node, path: str) -> Iterator[str]:
        for element in [node] if isinstance(node.value, str) else node.elements():
            known = self._known(element, path)
            if known is not None:
                yield str(known.value)

    def _known(self, node: Node | None, path: str) -> Node | None:
        """The node, or None where it is absent or can't be known; the latter is noted."""
        if node is not None and node.unknown:
            self.unknown.append(Skipped(f"hosts of {path} ({node.at.file}:{node.at.line})", node.unknown))
            return None
        return node


def _has_tag(tags: Node, tag: str) -> bool:
    """Ruby's include?, of a text or of a list of texts."""
    if isinstance(tags.value, str):
        return tag in tags.value
    return any(element.value == tag for element in tags.elements())


def _chosen(servers: _Servers, known: tuple[str, ...], settings: Settings) -> list[str]:
    """The names that the filters leave, in Kamal's order."""
    named = _filtered(settings.hosts, known, "--hosts", servers)
    wanted = _filtered(settings.roles, tuple(role.name for role in servers.roles), "--roles", servers)
    picked = None if wanted is None else [role for name in wanted for role in servers.roles if role.name == name]
    hosts = known if named is None else named
    active = [role for role in (servers.roles if picked is None else picked) if set(hosts) & set(role.names)]
    # A role without hosts filters nothing: Kamal asks whether the roles' hosts are present.
    if of_picked := {name for role in picked or () for name in role.names}:
        hosts = tuple(name for name in hosts if name in of_picked)
    first_host = _first_host(named, picked, servers.primary)
    first_role = _primary_or_first([role for role in active if first_host in role.names], servers.primary)
    return sorted(hosts, key=lambda name: not (first_role and name in first_role.names))


def _first_host(named: tuple[str, ...] | None, picked: list[_Role] | None, primary: _Role | None) -> str | None:
    if named:
        return named[0]
    role = _primary_or_first(picked, primary) if picked else primary
    return role.names[0] if role and role.names else None


def _primary_or_first(roles: list[_Role], primary: _Role | None) -> _Role | None:
    return primary if primary in roles else next(iter(roles), None)


def _filtered(
    patterns: tuple[str, ...], names: tuple[str, ...], option: str, servers: _Servers
) -> tuple[str, ...] | None:
    """The names that match, in the patterns' order; None where there are no patterns."""
    if not patterns:
        return None
    matches = dict.fromkeys(name for pattern in patterns for name in names if fnmatch(pattern, name))
    if not matches and not servers.unknown:
        raise CannotCheck(f"no {option} match for {','.join(patterns)}", f"there are {', '.join(names) or 'none'}")
    return tuple(matches)
