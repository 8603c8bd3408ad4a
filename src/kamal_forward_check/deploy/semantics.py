"""What Kamal checks, and no schema can say: keys that depend on one another (2.11, configuration.rb and validator/).

Each check looks only at values of the right type; the schema has spoken of the others. A value that is not
known is taken as fitting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kamal_forward_check.deploy import accessories, proxies
from kamal_forward_check.deploy.kamal_version import ASSUMED, described, is_older, is_version
from kamal_forward_check.deploy.scalars import OddKey, Symbol
from kamal_forward_check.deploy.servers import Servers, is_blank, is_true
from kamal_forward_check.deploy.subject import Subject
from kamal_forward_check.model import Node, Problem, ProblemKind, Severity

_LOG_LEVELS = ("debug", "info", "warn", "error", "fatal", "unknown")
_MACHINES = {"amd64", "arm64", "armv7l", "i686", "ppc64le", "riscv64", "s390x"}
"""What Kamal may find as this machine's own architecture: the first two by its own names, others by Docker's."""
_NO_SYMBOLS = (("hooks_path",), ("minimum_version",), ("ssh", "config"), ("ssh", "proxy"))
"""Where Kamal trips over a symbol, which it takes for a string elsewhere."""
_NAMED = ("accessories", "aliases", "servers")
"""Mappings whose keys are names to Kamal, and so have to be strings."""
_OLD_HOOKS = ("pre-traefik-reboot", "post-traefik-reboot")


def judge(subject: Subject) -> list[Problem]:
    """All that is wrong, where Kamal itself would stop at the first."""
    if subject.root.unknown:
        return []
    servers = Servers.of(subject.root)
    return [
        *_identity(subject),
        *_logins(subject),
        *_servers(subject, servers),
        *accessories.judge(subject, servers),
        *_builder(subject),
        *_versions(subject),
        *_log_level(subject),
        *_no_symbols(subject),
        *_names(subject),
        *_hooks(subject),
        *proxies.judge(subject.root, servers, subject.kamal),
    ]


def _has_local_registry(subject: Subject, *path: str) -> bool | None:
    """Kamal's own test, character class and all: `localhost` alone is not local. None where it is not known."""
    registry, server = subject.get(*path), subject.get(*path, "server")
    if (registry and registry.unknown) or (server and server.unknown):
        return None
    return bool(server and re.search(r"^localhost[:$]", str(server.value), re.MULTILINE))


def _identity(subject: Subject) -> Iterator[Problem]:
    if is_blank(subject.get("service")):
        yield subject.missing("`service` is missing", "service", hint="Name the application: `service: shop`.")
    if is_blank(subject.get("image")) and _has_local_registry(subject, "registry") is False:
        yield subject.missing(
            "`image` is missing: it may be left out only with a local registry", "image",
            hint="Name the image: `image: example/shop`.",
        )  # fmt: skip
    if is_true(subject.get("require_destination")) and subject.destination is None:
        yield subject.missing("a destination is wanted: `require_destination` is set", "require_destination")


def _logins(subject: Subject) -> Iterator[Problem]:
    yield from _login(subject, "registry")
    given = subject.get("accessories")
    for name, accessory in given.items() if given else ():
        if not accessory.unknown and not is_blank(accessory.get("registry")):
            yield from _login(subject, "accessories", name, "registry")


def _login(subject: Subject, *path: str) -> Iterator[Problem]:
    registry = subject.get(*path)
    if _has_local_registry(subject, *path) is not False or (registry and not isinstance(registry.value, dict)):
        return
    name = "/".join(path)
    if not registry:
        hint = "Use a local registry (`server: localhost:5555`), or give `server`, `username` and `password`."
        yield subject.missing(f"`{name}` is missing", *path, hint=hint)
        return
    login = {key: registry.get(key) for key in ("username", "password")}
    if blank := [key for key, node in login.items() if is_blank(node)]:
        which = " and ".join(f"`{name}/{key}`" for key in blank)
        yield subject.missing(
            f"{which} {'are' if len(blank) > 1 else 'is'} missing: only a registry at `localhost:PORT` does without",
            *path, blank[0],
            hint=f"For example, with a secret's name: `{blank[0]}: [KAMAL_REGISTRY_{blank[0].upper()}]`.",
        )  # fmt: skip
    for key, node in login.items():
        if node and not is_blank(node) and not _is_login(node):
            yield Problem(
                ProblemKind.WRONG_TYPE, Severity.ERROR,
                f"`{name}/{key}` should be a string, or a list with one string, the name of a secret",
                node.key or node.at, f"{name}/{key}",
            )  # fmt: skip


def _is_login(node: Node) -> bool:
    strings = [bool(element.unknown) or isinstance(element.value, str) for element in node.elements()]
    return bool(node.unknown) or isinstance(node.value, str) or strings == [True]


def _servers(subject: Subject, servers: Servers) -> Iterator[Problem]:
    given = subject.get("servers")
    if given is None:
        if is_blank(subject.get("accessories")):
            hint = "Name the servers: `servers: [192.0.2.10]`."
            yield subject.missing("`servers` is missing, and there are no `accessories`", "servers", hint=hint)
        return
    if not servers.known or not isinstance(given.value, (list, dict)):
        return
    primary = servers.role(servers.primary)
    if primary is None:
        why = "`primary_role` names it" if is_true(subject.get("primary_role")) else "it is the primary role"
        where = "primary_role" if is_true(subject.get("primary_role")) else "servers"
        named = subject.get("primary_role")
        name = named.variable if named and named.variable else servers.primary
        yield subject.wrong(f"there is no role `{name}`, and {why}", where)
    may_be_empty = is_true(subject.get("allow_empty_roles"))
    for role in servers.roles:
        listed = role.listed
        if role.hosts or (may_be_empty and role is not primary) or (listed and not isinstance(listed.value, list)):
            continue
        path = ["servers"] if role.node is given else ["servers", role.name]
        drops = "; numbers and booleans do not count" if listed and listed.value else ""
        yield subject.missing(f"role `{role.name}` has no servers{drops}", *path)


def _builder(subject: Subject) -> Iterator[Problem]:
    builder, arch, remote = subject.get("builder"), subject.get("builder", "arch"), subject.get("builder", "remote")
    if builder and (builder.unknown or not isinstance(builder.value, dict)):
        return
    if is_blank(arch):
        hint = "Name the architecture of the servers: `arch: amd64`."
        yield subject.missing("`builder/arch` is missing", "builder", "arch", hint=hint)
    arches = (list(arch.elements()) or [arch]) if arch else []
    if is_true(subject.get("builder", "pack")) and len(arches) > 1:
        yield subject.wrong("`builder/pack` builds for one architecture alone", "builder", "arch")
    local = subject.get("builder", "local")
    off = local is not None and local.value is False
    if off and is_blank(remote):
        yield subject.missing("`builder/local` is false, and there is no `builder/remote`", "builder", "local")
    yield from _remote(subject, remote, set() if off else {str(node.value) for node in arches if not node.unknown})


def _remote(subject: Subject, remote: Node | None, arches: set[str]) -> Iterator[Problem]:
    """Kamal minds only where it builds there: not for the one architecture that this machine has itself.

    `arches` are those that are not built there for sure.
    """
    if remote is None or not is_true(remote) or not _has_local_registry(subject, "registry"):
        return
    if isinstance(remote.value, (list, dict)) or re.fullmatch(r"ssh:\S+", str(remote.value), re.IGNORECASE):
        return
    certain = len(arches) != 1 or not arches <= _MACHINES
    yield Problem(
        ProblemKind.WRONG_VALUE,
        Severity.ERROR if certain else Severity.WARNING,
        "`builder/remote` should begin with `ssh://`: the local registry is reached from there through a forward"
        + ("" if certain else ", unless this machine can build for that architecture itself"),
        remote.at, "builder/remote", "Write it as `remote: ssh://user@host`.",
    )  # fmt: skip


def _versions(subject: Subject) -> Iterator[Problem]:
    minimum = subject.get("minimum_version")
    if not minimum or not is_true(minimum) or not isinstance(minimum.value, (str, int, float)):
        return
    wanted = str(minimum.value).lower() if isinstance(minimum.value, bool) else str(minimum.value)
    if not is_version(wanted):
        yield subject.wrong("`minimum_version` is no version", "minimum_version", hint="Write it like 2.8.2.")
    elif is_older(subject.kamal.version, wanted):
        yield Problem(
            ProblemKind.WRONG_VALUE,
            Severity.WARNING if subject.kamal.source == ASSUMED else Severity.ERROR,
            f"`minimum_version` wants Kamal {minimum.variable or wanted}; {described(subject.kamal)}",
            minimum.at, "minimum_version", "Update Kamal, or lower the version.",
        )  # fmt: skip


def _log_level(subject: Subject) -> Iterator[Problem]:
    level = subject.get("ssh", "log_level")
    if level is None or level.unknown or level.value is None or type(level.value) in (int, list, dict):
        return
    if str(level.value).lower() not in _LOG_LEVELS:
        yield subject.wrong(
            "`ssh/log_level` is no level", "ssh", "log_level", hint=f"Use one of {', '.join(_LOG_LEVELS)}."
        )


def _no_symbols(subject: Subject) -> Iterator[Problem]:
    for path in _NO_SYMBOLS:
        node = subject.get(*path)
        if node and not node.unknown and isinstance(node.value, Symbol):
            name = "/".join(path)
            message = f"`{name}` should be a string, and is a Ruby symbol: it begins with a colon"
            yield Problem(ProblemKind.WRONG_TYPE, Severity.ERROR, message, node.at, name, "Put it in quotes.")


def _names(subject: Subject) -> Iterator[Problem]:
    for path in _NAMED:
        node = subject.get(path)
        for name, inner in node.items() if node else ():
            if isinstance(name, OddKey):
                message = f"`{path}/{name}` should have a string as its name"
                place = inner.key or inner.at
                yield Problem(
                    ProblemKind.WRONG_TYPE, Severity.ERROR, message, place, f"{path}/{name}", "Put it in quotes."
                )


def _hooks(subject: Subject) -> Iterator[Problem]:
    folder = subject.get("hooks_path")
    where = str(folder.value) if folder and isinstance(folder.value, str) and not folder.unknown else ".kamal/hooks"
    for name in _OLD_HOOKS:
        if subject.exists(f"{where}/{name}"):
            new = name.replace("traefik", "proxy")
            message = f"{where}/{name} is a hook of Kamal 1, and Kamal 2 stops at it"
            yield Problem(
                ProblemKind.KAMAL_1, Severity.ERROR, message, subject.place("hooks_path"), hint=f"Rename it to {new}."
            )
