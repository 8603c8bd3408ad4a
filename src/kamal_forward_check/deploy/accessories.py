"""What Kamal checks of accessories, and no schema can say (2.11, configuration/accessory.rb and its validator)."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.deploy.servers import PLACES, Servers
from kamal_forward_check.deploy.subject import Subject
from kamal_forward_check.model import Node, Problem, ProblemKind, Severity


def judge(subject: Subject, servers: Servers) -> Iterator[Problem]:
    """Each accessory's place: one of the ways to say it, and a role or tag that Kamal can look up."""
    accessories = subject.get("accessories")
    for name, accessory in accessories.items() if accessories else ():
        if accessory.unknown or not isinstance(accessory.value, dict):
            continue
        path = ("accessories", name)
        given = [key for key in PLACES if accessory.get(key)]
        if len(given) != 1:
            named = " and ".join(f"`{key}`" for key in given)
            has = f"says where it runs by {named}" if given else "does not say where it runs"
            wants = "Give one of `host`, `hosts`, `role`, `roles`, `tag` and `tags`."
            problem = subject.wrong if given else subject.missing
            yield problem(f"`accessories/{name}` {has}", *path, hint=wants)
        if servers.known:
            yield from _roles_of(servers, accessory, path)
            yield from _tag_of(subject, accessory, path)
    if servers.known and accessories:
        yield from _tags(subject, [accessory for _, accessory in accessories.items() if not accessory.unknown])


def _roles_of(servers: Servers, accessory: Node, path: tuple[str, ...]) -> Iterator[Problem]:
    one, several = accessory.get("role"), accessory.get("roles")
    missing = [node for node in several.elements() if not _in_a_list(servers, node)] if several else []
    if one and not several and not servers.role_by(one):
        missing = [one]
    for node in missing:
        if not node.unknown and node.value is not None and not isinstance(node.value, (list, dict)):
            message = f"`{'/'.join(path)}` runs on a role that is not there: `{node.shown}`"
            yield Problem(
                ProblemKind.WRONG_VALUE,
                Severity.ERROR,
                message,
                node.at,
                "/".join((*path, "roles" if several else "role")),
            )


def _in_a_list(servers: Servers, node: Node) -> bool:
    """Whether Kamal finds a role of `roles`. It looks for it among strings, and minds no `false`."""
    return node.value is False or (isinstance(node.value, str) and servers.role(node.value) is not None)


def _tag_of(subject: Subject, accessory: Node, path: tuple[str, ...]) -> Iterator[Problem]:
    servers = subject.get("servers")
    tag = accessory.get("tag")
    by_roles = servers and isinstance(servers.value, dict)
    if tag and tag.value is not None and not by_roles:
        hint = "Put the servers under a role, or write `tags`."
        yield subject.wrong(
            f"`{'/'.join(path)}/tag` is looked for among roles, and there are none", *path, "tag", hint=hint
        )


def _tags(subject: Subject, accessories: list[Node]) -> Iterator[Problem]:
    """The tags of servers, where an accessory looks for some: Kamal asks each whether it includes the one it wants."""
    named = [accessory.get("tag") for accessory in accessories]
    listed = [element for accessory in accessories if (tags := accessory.get("tags")) for element in tags.elements()]
    wanted = [tag for tag in (*named, *listed) if tag and not tag.unknown]
    for path, tags in _tags_of_servers(subject) if wanted else ():
        if isinstance(tags.value, str) and all(isinstance(tag.value, str) for tag in wanted):
            continue
        if not tags.unknown and not isinstance(tags.value, (list, dict)) and tags.value is not None:
            message = f"`{path}` should be a string or a list, as accessories look for tags, and those for strings"
            yield Problem(ProblemKind.WRONG_TYPE, Severity.ERROR, message, tags.at, path, "Put it in quotes.")


def _tags_of_servers(subject: Subject) -> Iterator[tuple[str, Node]]:
    """By path: the tags of each server, in roles that are lists. Kamal looks in no other."""
    servers = subject.get("servers")
    for role, node in servers.items() if servers else ():
        for index, host in enumerate(node.elements()):
            for name, tags in list(host.items())[:1]:
                yield f"servers/{role}/{index}/{name}", tags
