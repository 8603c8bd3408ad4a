"""KF115 to KF125: servers and jumps, where Kamal accepts the file and the connection breaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

from kamal_forward_check.deploy.scalars import Symbol
from kamal_forward_check.deploy.servers import Servers, is_true
from kamal_forward_check.model import Given, Node, Purpose, Role
from kamal_forward_check.route.hosts import forwarded_hosts
from kamal_forward_check.route.jumps import parse_uri, with_kamals_user
from kamal_forward_check.route.tokens import UnknownTokenError, expand
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.lint import lent, let_in, lint, said, text
from kamal_forward_check.rules.registry import Hit
from kamal_forward_check.settings import Settings


def _hosts(root: Node) -> tuple[Given[str], ...]:
    return forwarded_hosts(root, Settings()).hosts


@lint("KF115", name="host-dropped", title="A server that Kamal leaves out, or can't make a host of")
def host_dropped(root: Node, _facts: Facts) -> Iterator[Hit]:
    """
    YAML makes numbers and booleans of bare words: `10`, `1_000`, `yes`, `on`. Among `servers` Kamal drops
    what is neither text nor a mapping, without a word, and deploys to the others. Below an accessory it
    takes the value as it is, and stops at its first command there.

    ## Fix
    Put the name in quotes. Tags have no place below an accessory: name the server alone.

    ## See it by hand
    `kamal config` lists the hosts that are left.
    """
    for role in Servers.of(root).roles:
        for element in role.listed.elements() if role.listed else ():
            if isinstance(element.value, (bool, int, float, Symbol)) and not element.unknown:
                message = f"Kamal leaves this server of role {role.name} out: {_as_read(element)} is no text"
                yield said(message, element.at, "Put the name in quotes.")
    accessories = root.get("accessories")
    for name, accessory in accessories.items() if accessories else ():
        host, hosts = accessory.get("host"), accessory.get("hosts")
        for node in [host] if host else hosts.elements() if hosts else ():
            if isinstance(node.value, (bool, int, float, dict)) and not node.unknown:
                message = f"Kamal can't make a host of this for the accessory {name}: {_as_read(node)} is no text"
                yield said(message, node.at, "Write the server's name, in quotes.")


def _as_read(node: Node) -> str:
    match node.value:
        case bool():
            return "true" if node.value else "false"
        case dict():
            return "a mapping"
        case Symbol(name):
            return f":{name}"
        case value:
            return str(value)


@lint("KF116", name="host-not-bare", title="A server's name with a user or a port in it")
def host_not_bare(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    `host:22` and `user@host` work for Kamal's commands. For the registry's forward Kamal hands the whole text
    to net-ssh as a host name: it is not found, or a jump says `Bad stdio forwarding specification`.

    ## Fix
    Name the host alone, and set `ssh.user` and `ssh.port`; for one host that differs, `~/.ssh/config`.

    ## See it by hand
    `getent hosts user@host` finds nothing.
    """
    for host in _hosts(root) if lent(facts).port is not None else ():
        bare = re.sub(r"^.*@", "", host.value)
        bare = re.sub(r"^(\[[^\]]*\]|[^:]*):\d+$", r"\1", bare)
        if bare and bare != host.value and host.at:
            fix = f"Write {bare}, and set `ssh.user` or `ssh.port`."
            yield said(f"the forward looks {host.value} up as one host name, and finds none", host.at, fix)


@lint("KF117", name="ipv6-behind-a-jump", title="A bare IPv6 address behind a jump")
def ipv6_behind_a_jump(root: Node, _facts: Facts) -> Iterator[Hit]:
    """
    Behind a jump the address goes as it is into `ssh -W ADDRESS:PORT`, and ssh says `Bad stdio forwarding
    specification`: there it wants brackets. Without a jump it is the brackets that are not understood.

    ## Fix
    Use a name that resolves to the address: it works with a jump and without. Else write it in brackets.

    ## See it by hand
    `ssh -W 2001:db8::1:22 JUMP` and `ssh -W '[2001:db8::1]:22' JUMP`.
    """
    proxy, command = root.get("ssh", "proxy"), text(root.get("ssh", "proxy_command"))
    if not text(proxy) and (is_true(proxy) or "-W %h:%p" not in (command or "")):
        return
    for host in _hosts(root):
        if host.at and _is_ipv6(host.value):
            message = f'ssh stops at "-W {host}:PORT": behind a jump an IPv6 address wants brackets'
            yield said(message, host.at, f'Write "[{host}]", or a name that resolves to it.')


def _is_ipv6(address: str) -> bool:
    try:
        IPv6Address(address)
    except AddressValueError:
        return False
    return True


@lint("KF120", name="jump-as-root", title="A jump that is entered as root")
def jump_as_root(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    Where no user stands in `ssh.proxy`, Kamal puts `root@` before it. That beats `User` in `~/.ssh/config`,
    and most bastions let no root in.

    ## Fix
    Name the user: `proxy: user@bastion.example.com`.

    ## See it by hand
    `ssh -l root -W SERVER:22 JUMP`.
    """
    proxy = root.get("ssh", "proxy")
    names = text(proxy)
    if proxy and names and "@" not in names and not let_in(facts, Purpose.PULL, Role.JUMP):
        yield said(f"Kamal enters the jump {names.split(',')[0]} as root", proxy.at, f"Write `proxy: USER@{names}`.")


@lint("KF121", name="jumps-reversed", title="Jumps in the reverse of ssh's own order")
def jumps_reversed(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    Kamal takes the first name of `ssh.proxy` for the last jump before the server, and hands the others to
    `ssh -J`: `a,b` goes through b first. `ssh -J a,b`, and ProxyJump in ssh_config, go through a first.

    ## Fix
    If the order was copied from `-J` or ProxyJump, turn it round. If it is meant so, nothing is wrong.

    ## See it by hand
    `kamal-forward-check route` shows the jumps in the order in which they are entered.
    """
    proxy = root.get("ssh", "proxy")
    names = [name.strip() for name in (text(proxy) or "").split(",")]
    if proxy and len(names) > 1 and all(names) and not let_in(facts, Purpose.PULL, Role.JUMP):
        way, other = " → ".join(reversed(names)), ",".join(reversed(names))
        message = f"Kamal enters these jumps from the last to the first: {way} → server"
        yield said(message, proxy.at, f"If the order is that of ssh -J, write `proxy: {other}`.")


@lint("KF122", name="jump-unreadable", title="A jump that Ruby can't read as user@host:port")
def jump_unreadable(root: Node, _facts: Facts) -> Iterator[Hit]:
    """
    net-ssh puts `ssh://` before each name in `ssh.proxy` and reads it as a URI. A bare IPv6 address, a second
    `@`, white space or a backslash raise URI::InvalidURIError when Kamal connects; with an `ssh://` of your
    own the host is called `ssh`.

    ## Fix
    Write `user@host` or `user@host:port`. Whatever else is needed goes under a name in `~/.ssh/config`.

    ## See it by hand
    `ruby -ruri -e 'p URI.parse("ssh://" + ARGV[0])' USER@HOST`.
    """
    proxy = root.get("ssh", "proxy")
    names = text(proxy)
    if proxy is None or names is None:
        return
    uri = parse_uri(with_kamals_user(names).partition(",")[0])
    if uri is None or not uri["host"] or names.startswith("ssh://"):
        message = "Ruby finds no jump host in `ssh/proxy`, and Kamal stops when it connects"
        yield said(message, proxy.at, "Write it as `user@host` or `user@host:port`.")


@lint("KF123", name="config-list-with-jump", title="A list of configuration files together with a jump")
def config_list_with_jump(root: Node, _facts: Facts) -> Iterator[Hit]:
    """
    For a jump Kamal calls `ssh -F` with `ssh.config`. Of a list, ssh gets the brackets and quotes too, and
    says `Can't open user config file`.

    ## Fix
    Name one file: `config: path/to/config`; it may `Include` the others.

    ## See it by hand
    `ssh -F '["a"]' HOST`.
    """
    config, proxy = root.get("ssh", "config"), root.get("ssh", "proxy")
    if config and isinstance(config.value, list) and not config.unknown and proxy and (proxy.unknown or text(proxy)):
        message = "`ssh/config` is a list, and for the jump ssh takes the whole list for one file's name"
        yield said(message, config.key or config.at, "Name one file, which may Include the others.")


@lint("KF125", name="token-unknown", title="A percent token that net-ssh does not know")
def token_unknown(root: Node, _facts: Facts) -> Iterator[Hit]:
    """
    In `ssh.proxy_command` net-ssh knows `%h`, `%p` and `%%`. For `%r` Kamal gives it no user; OpenSSH's others
    (`%n`, `%u`, `%C`) it does not know: both raise ArgumentError when Kamal connects.

    ## Fix
    Write the value itself in place of the token; a percent sign is `%%`.

    ## See it by hand
    `kamal server exec true` stops with ArgumentError.
    """
    ssh = root.get("ssh")
    node = ssh.get("proxy_command") if ssh else None
    command = text(node)
    if ssh is None or node is None or command is None or is_true(ssh.get("proxy")):
        return
    try:
        expand(command, {"h": "", "p": ""})
    except UnknownTokenError as error:
        fix = f"Write the value in place of {error}; a percent sign is %%."
        yield said(f'net-ssh has nothing for "{error}" in `ssh/proxy_command`: Kamal stops there', node.at, fix)
