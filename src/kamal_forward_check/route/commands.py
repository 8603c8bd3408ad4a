"""The commands that files of the repository would start: a runner has secrets, and holds them back by default.

Looked for as text, whichever host a line is for: to refuse one too many costs a setting, to miss one the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kamal_forward_check.model import ROUTES, DeployConfig, Node, Skipped, Span
from kamal_forward_check.route.net_ssh_config import DEFAULT_FILES
from kamal_forward_check.system import System

SETTING = "allow-proxy-command"

_STARTING = {
    "proxycommand": "ProxyCommand",
    "knownhostscommand": "KnownHostsCommand",
    "localcommand": "LocalCommand",
    "pkcs11provider": "PKCS11Provider",
    "smartcarddevice": "SmartcardDevice",
    "securitykeyprovider": "SecurityKeyProvider",
    "xauthlocation": "XAuthLocation",
    "include": "Include",
}
"""The keywords of ssh_config that start a program, load a library, or read a file that may; and how they are shown."""

_BETWEEN_WORDS = re.compile(r'[\s="]+')


def refused(config: DeployConfig, system: System) -> Iterator[Skipped]:
    """What is not to be started unless somebody allows it, each with its line."""
    ssh = config.root.get("ssh") if config.root else None
    if ssh is None:
        return
    if command := ssh.get("proxy_command"):
        yield _refused("ssh.proxy_command", command.at)
    for file in _files(ssh.get("config")):
        for number, line in enumerate((system.read_text(system.path(file)) or "").split("\n"), 1):
            if keyword := _starting(line):
                yield _refused(keyword, Span(file, number))


def _files(config: Node | None) -> Iterator[str]:
    """The files that `ssh.config` names: of the repository, as far as anybody can know."""
    for node in (config, *config.elements()) if config else ():
        if isinstance(node.value, str) and node.value not in DEFAULT_FILES:
            yield node.value


def _starting(line: str) -> str:
    """The keyword by which a line starts something; quotes and `=` count as blanks, as for ssh."""
    first, *others = [word for word in _BETWEEN_WORDS.split(line.lower()) if word] or [""]
    if first == "match" and any(word.lstrip("!").startswith("exec") for word in others):
        return "Match exec"
    return _STARTING.get(first, "")


def _refused(keyword: str, at: Span) -> Skipped:
    return Skipped(
        ROUTES,
        f"{at.file}:{at.line}: {keyword} may start a command of the repository's on this runner: nothing was dialled;"
        f" {SETTING} allows it",
    )
