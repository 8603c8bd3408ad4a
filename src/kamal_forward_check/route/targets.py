"""The target as net-ssh would dial it: Kamal's `ssh` settings over what ssh_config says for the host."""

from __future__ import annotations

from dataclasses import dataclass, field

from kamal_forward_check.model import DEFAULT_PORT, Given, KamalVersion, Node
from kamal_forward_check.route import net_ssh_config
from kamal_forward_check.route.jumps import KAMALS_USER, with_kamals_user
from kamal_forward_check.route.net_ssh_config import NetSshConfig
from kamal_forward_check.route.not_followed import NotFollowed, kamal_stops
from kamal_forward_check.system import System

KAMALS_DEFAULT = "Kamal's default"

_PASSES_ALL = (2, 8, 2)  # before: the user and the proxy alone
_PASSES_CONFIG = (2, 9, 0)
_MOST = 65535


@dataclass(frozen=True, slots=True)
class Dialling:
    """What Kamal hands to `Net::SSH.start`. What is None is left to ssh_config and to net-ssh's defaults.

    `ssh` is the section whose keys go with it, if any do.
    """

    user: Given[str] | None = None
    port: Given[int] | None = None
    jumps: Given[str] | None = None
    proxy_command: Given[str] | None = None
    config: Node | None = None
    ssh: Node | None = None

    @property
    def config_files(self) -> tuple[str, ...]:
        """The files that net-ssh reads, by Kamal's `ssh.config`."""
        if self.config is None or self.config.value in (None, True):
            return net_ssh_config.DEFAULT_FILES
        return tuple(str(node.value) for node in named_files(self.config))


@dataclass(frozen=True, slots=True)
class Target:
    """A target with nothing left open. At most one of `jumps` and `proxy_command` is set; neither is expanded."""

    host: Given[str]
    address: str
    user: Given[str]
    port: Given[int]
    jumps: Given[str] | None
    proxy_command: Given[str] | None
    config: Node | None
    ssh: Node | None
    read: NetSshConfig = field(repr=False)

    def config_file(self, system: System) -> str:
        """The file behind the jump's -F, or an empty text. Raises NotFollowed for a list: ssh stops at it."""
        if self.config is None or isinstance(self.config.value, bool | None):
            return ""
        if isinstance(self.config.value, str):
            name = self.config.value
            return name if name == "none" else str(system.path(name))  # "none" is a word of ssh's own
        raise kamal_stops(
            "ssh/config: with a jump it takes one file; of a list ssh gets its brackets too, and finds no such file",
            self.config.at,
            "ssh/config",
        )


def named_files(config: Node | None) -> tuple[Node, ...]:
    """The values that name a file each in Kamal's `ssh.config`, of whatever kind they are."""
    if config is None or isinstance(config.value, bool | None):
        return ()
    return tuple(config.elements()) if isinstance(config.value, list) else (config,)


def by_ssh_section(ssh: Node | None, kamal: KamalVersion) -> Dialling:
    """What Kamal takes from `ssh` for the hosts of a pull.

    Raises NotFollowed for values that can't be known.
    """
    values = {
        key: ssh.get(key) if ssh else None for key in ("user", "port", "proxy", "proxy_command", "config", "keys_only")
    }
    for node in (ssh, *values.values()):
        if node is not None and node.unknown:
            raise NotFollowed(f"ssh is not known ({node.at.file}:{node.at.line}): {node.unknown}")
    config = values["config"] if kamal.parts >= _PASSES_CONFIG else None
    for node in named_files(config):
        if not isinstance(node.value, str):
            why = "ssh/config: no text, so no name of a file: net-ssh stops (TypeError)"
            raise kamal_stops(why, node.at, "ssh/config")
    passes_all = kamal.parts >= _PASSES_ALL
    user, proxy, command = values["user"], values["proxy"], values["proxy_command"]
    return Dialling(
        user=Given(str(user.value), "ssh.user", user.at) if user else Given(KAMALS_USER, KAMALS_DEFAULT),
        port=_port(values["port"]) if passes_all else None,
        jumps=Given(with_kamals_user(str(proxy.value)), "ssh.proxy", proxy.at) if proxy else None,
        proxy_command=Given(str(command.value), "ssh.proxy_command", command.at) if command and not proxy else None,
        config=config,
        ssh=ssh if passes_all else None,
    )


def resolve(host: Given[str], dialling: Dialling, system: System) -> Target:
    """The target for `host`: what `dialling` leaves open is read from ssh_config. Raises NotFollowed."""
    read = net_ssh_config.read(system, host.value, dialling.config_files)
    hostname = read.given("hostname")
    if hostname and "host" not in read.options:
        raise kamal_stops(
            f"{hostname.source}: net-ssh stops at a HostName where no Host line is (TypeError)", hostname.at
        )
    jumps, command = dialling.jumps, dialling.proxy_command
    if not (jumps or command) and read.proxy:
        keyword, given = read.proxy
        jumps = given if keyword == "proxyjump" else None
        command = given if keyword == "proxycommand" and given.value != "none" else None
    return Target(
        host=host,
        address=hostname.value.replace("%h", host.value) if hostname else host.value,
        user=dialling.user or read.given("user") or Given(system.account.name, "the local user"),
        port=dialling.port or _number(read.given("port")) or Given(DEFAULT_PORT, "net-ssh's default"),
        jumps=jumps,
        proxy_command=command,
        config=dialling.config,
        ssh=dialling.ssh,
        read=read,
    )


def _port(node: Node | None) -> Given[int]:
    if node is None:
        return Given(DEFAULT_PORT, KAMALS_DEFAULT)
    port = _number(Given(str(node.value), "ssh.port", node.at))
    assert port is not None  # noqa: S101 - it was given
    return port


def _number(given: Given[str] | None) -> Given[int] | None:
    if given is None:
        return None
    text = given.value.strip()
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST):
        raise NotFollowed(f'{given.source}: the port "{given.value}" is no number from 1 to {_MOST}')
    return Given(int(text), given.source, given.at)
