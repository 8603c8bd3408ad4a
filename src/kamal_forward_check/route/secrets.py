""".kamal/secrets files, read as text, and what is not to be shown. Nothing is executed (Kamal 2.10, secrets.rb)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kamal_forward_check.dotenv import Variable, parse
from kamal_forward_check.model import DeployConfig, Hop, Node, Plan
from kamal_forward_check.system import System

DEFAULT_PATH = ".kamal/secrets"

SHORTEST = 8
"""Characters of a value that is worth hiding: a shorter one would blot out ordinary words."""

_SHOWN = frozenset({"host", "hosts", "port", "proxy", "remote", "server", "user"})
_ELEMENT = "-"
_VARIABLES = re.compile("‹ENV ([^›]*)›")  # noqa: RUF001 - how a template's variables are shown


def read_secrets(config: DeployConfig, system: System) -> dict[str, Variable]:
    """The secrets that Kamal would find, by name; those of the destination's file win over the common ones."""
    node = config.root.get("secrets_path") if config.root else None
    path = node.value if node and isinstance(node.value, str) else DEFAULT_PATH
    destination = f".{config.destination}" if config.destination else ""
    found: dict[str, Variable] = {}
    for file in (f"{path}-common", f"{path}{destination}"):
        text = system.read_text(system.path(file))
        if text is not None:
            found |= parse(text, file, system.environ)
    return found


def for_keys(config: DeployConfig, system: System) -> dict[str, str]:
    """The secrets that `ssh.key_data` may name, as Kamal would find them: empty where only a command tells the value.

    Nothing is read where there is no `key_data`.
    """
    if config.root is None or config.root.get("ssh", "key_data") is None:
        return {}
    found = read_secrets(config, system)
    return {name: secret.value for name, secret in found.items() if secret.value.strip() or secret.unknown}


def to_hide(config: DeployConfig, plan: Plan, system: System) -> tuple[str, ...]:
    """What no report may show: values that templates took from variables, and passwords of registries.

    Hosts, users and ports show themselves, wherever they come from.
    """
    shown = [config.file, config.destination or "", *(text for route in plan.routes for text in _shown(route.hops))]
    found = dict.fromkeys([*_from_variables(config, system), *_passwords(config, system)])
    return tuple(text for text in found if len(text) >= SHORTEST and not any(text in each for each in shown))


def _shown(hops: tuple[Hop, ...]) -> Iterator[str]:
    for hop in hops:
        yield from (hop.host.value, hop.address, hop.name)


def _from_variables(config: DeployConfig, system: System) -> Iterator[str]:
    for path, node in _inside(config.root):
        if _shows_itself([key for key in path if key != _ELEMENT]):
            continue
        for label in filter(None, (node.variable, node.key_variable)):
            for names in _VARIABLES.findall(label):
                yield from filter(None, map(system.environ.get, names.split()))
        if node.variable and isinstance(node.value, str):
            yield node.value


def _shows_itself(keys: list[str]) -> bool:
    return bool(keys) and (keys[-1] in _SHOWN or (keys[0] == "servers" and len(keys) <= len(("servers", "role"))))


def _passwords(config: DeployConfig, system: System) -> Iterator[str]:
    for path, node in _inside(config.root):
        if path[-2:] != ("registry", "password"):
            continue
        if isinstance(node.value, str):
            yield node.value
        secrets = read_secrets(config, system)
        for name in (each.value for each in node.elements()):
            yield system.environ.get(str(name), "")
            yield secrets[name].value if name in secrets else ""


def _inside(node: Node | None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """`node` and all that is in it, each with its keys."""
    if node is None:
        return
    yield path, node
    for key, inside in node.items():
        yield from _inside(inside, (*path, str(key)))
    for inside in node.elements():
        yield from _inside(inside, (*path, _ELEMENT))
