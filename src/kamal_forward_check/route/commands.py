"""The commands that files of the repository would start: a runner has secrets, and holds them back by default.

Looked for as text, whichever host a line is for: to refuse one too many costs a setting, to miss one the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kamal_forward_check.model import ROUTES, DeployConfig, Node, Skipped, Span
from kamal_forward_check.route.net_ssh_config import DEFAULT_FILES
from kamal_forward_check.route.targets import named_files
from kamal_forward_check.system import System

SETTING = "allow-proxy-command"
_STARTS = "may start a command of the repository's on this runner"

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

_SAYS_NONE = re.compile(r"[^'\\]*\bnone\"?\s*", re.IGNORECASE)
"""As net-ssh reads it too, to which only a double quote is one: 'none' is a program's name."""
_NONE_STARTS_NOTHING = ("ProxyCommand", "KnownHostsCommand", "PKCS11Provider", "SmartcardDevice")
_TOLD = ("user", "hostname", "proxyjump", "canonicaldomains", "setenv")
"""The keywords whose value a server hears, or the shell through which ssh calls itself for a ProxyJump."""

_PLAIN = re.compile(r"[\w.@:,/%+=\[\]\s-]*")

_BETWEEN_WORDS = re.compile(r"[\s=]+")
_QUOTES = re.compile(r"[\"'\\]")
_MOST_BYTES = 1 << 20


def refused(config: DeployConfig, system: System) -> Iterator[Skipped]:
    """What is not to be started unless somebody allows it, each with its line."""
    ssh = config.root.get("ssh") if config.root else None
    if ssh is None:
        return
    if command := ssh.get("proxy_command"):
        yield _held_back(f"ssh.proxy_command {_STARTS}", command.at)
    for node in named_files(ssh.get("config")):
        if node.value not in DEFAULT_FILES:
            yield from _in_file(node, system)


def _in_file(named: Node, system: System) -> Iterator[Skipped]:
    file = str(named.value)
    if "%" in file:  # net-ssh looks for tokens in the whole command, and so in this name
        yield _held_back(f"ssh.config {file}, another file for each host, {_STARTS}", named.at)
        return
    content = system.read_bytes(system.path(file), _MOST_BYTES + 1) or b""
    if len(content) > _MOST_BYTES:
        yield _held_back(f"ssh.config {file}, of more than 1 MB, {_STARTS}", named.at)
        return
    # A line ends with LF alone for ssh, and a CR is a blank; net-ssh's reader takes each of both for an end.
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        for reading in dict.fromkeys((line, *line.split("\r"))):
            if danger := _danger(reading):
                yield _held_back(danger, Span(file, number))
                break


def _danger(line: str) -> str:
    """What a line may do here; empty where it does no harm.

    To ssh a quote may stand before a word, in it, or in place of a blank.
    """
    for bare in (_QUOTES.sub(" ", line), _QUOTES.sub("", line)):
        first, *others = [word for word in _BETWEEN_WORDS.split(bare.lower()) if word] or [""]
        if first == "match" and any(word.lstrip("!").startswith("exec") for word in others):
            return f"Match exec {_STARTS}"
        keyword = _STARTING.get(first, "")
        if keyword and not (keyword in _NONE_STARTS_NOTHING and others == ["none"] and _SAYS_NONE.fullmatch(line)):
            return f"{keyword} {_STARTS}"
        if first in _TOLD and "${" in line:  # which ssh 10 expands
            return f"${{...}} in {first} may tell a server what a variable of this runner holds"
        if first in _TOLD and not _PLAIN.fullmatch(line.replace('"', "")):
            return f"{first}, with what a shell takes for its own, {_STARTS}"
    return ""


def _held_back(danger: str, at: Span) -> Skipped:
    return Skipped(ROUTES, f"{at.file}:{at.line}: {danger}: nothing was dialled; {SETTING} allows it")
