"""KF115 to KF126: servers, jumps and keys, where Kamal accepts the file and the connection breaks."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

from kamal_forward_check.deploy.scalars import Symbol
from kamal_forward_check.deploy.servers import Servers, is_true
from kamal_forward_check.model import Given, Node, Purpose, Role
from kamal_forward_check.route.credentials import SECRETS_HOLD_KEYS
from kamal_forward_check.route.hosts import forwarded_hosts
from kamal_forward_check.route.jumps import parse_uri, with_kamals_user
from kamal_forward_check.route.registry import forwarding
from kamal_forward_check.route.tokens import UnknownTokenError, expand
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.lint import let_in, lint, said, text
from kamal_forward_check.rules.registry import Hit
from kamal_forward_check.settings import Settings


def _hosts(root: Node) -> tuple[Given[str], ...]:
    return forwarded_hosts(root, Settings()).hosts


def _lends(facts: Facts) -> bool:
    return facts.config is not None and forwarding(facts.config).port is not None


def _jumps_let_in(facts: Facts) -> bool:
    return let_in(facts, Purpose.PULL, Role.JUMP)


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
    for host in _hosts(root) if _lends(facts) else ():
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
    if proxy and names and "@" not in names and not _jumps_let_in(facts):
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
    if proxy and len(names) > 1 and all(names) and not _jumps_let_in(facts):
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


@lint("KF124", name="keys-not-for-the-jump", title="Keys that never reach the jump")
def keys_not_for_the_jump(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    `ssh.keys` and `ssh.key_data` are offered to the servers alone. The jump is entered by the system's ssh,
    which offers the agent's keys, those of `~/.ssh/config` and the default files.

    ## Fix
    Load the jump's key into the agent (`ssh-add`), or name it under `Host JUMP` in `~/.ssh/config` with
    IdentityFile. Where that is so already, nothing is wrong.

    ## See it by hand
    `ssh -W SERVER:22 USER@JUMP`, with no `-i`.
    """
    ssh = root.get("ssh")
    if ssh is None or not text(ssh.get("proxy")) or _jumps_let_in(facts):
        return
    given = {key: node for key in ("keys", "key_data") if (node := ssh.get(key)) and list(node.elements())}
    if given:
        first = next(iter(given.values()))
        message = f"{' and '.join(f'`ssh/{key}`' for key in given)} reach the servers alone, and not the jump"
        fix = "Give the jump's key by the agent (ssh-add), or by IdentityFile in ~/.ssh/config."
        yield said(message, first.key or first.at, fix)


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


_ARMOUR = re.compile(r"-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END")
_ED25519 = bytes.fromhex("06032b6570")
"""Its object identifier in a PKCS#8 key (RFC 8410)."""


@lint("KF126", name="key-data-unreadable", title="A key in key_data that net-ssh can't read")
def key_data_unreadable(root: Node, facts: Facts) -> Iterator[Hit]:
    r"""
    `ssh.key_data` names secrets, from Kamal 2.10 on. Three things stop Kamal at its first login: a name that no secrets
    file has (the name itself is then taken for the key), a key on one line with `\n` in place of its line breaks, and
    an Ed25519 key in PKCS#8 (`BEGIN PRIVATE KEY`, as some password managers export it): net-ssh says
    `undefined method 'public_key'`.

    ## Fix
    Keep the key in OpenSSH's own format (`ssh-keygen -p -f FILE` rewrites it), with real line breaks, in double
    quotes or from a command: `SSH_KEY=$(cat ~/.ssh/id_ed25519)`.

    ## See it by hand
    `kamal secrets print` shows what Kamal reads.
    """
    listed = root.get("ssh", "key_data")
    for element in listed.elements() if listed else ():
        key, what = text(element), "the key in `ssh/key_data`"
        if key is None:
            continue
        if "PRIVATE KEY" not in key:
            name, key = element.shown, _secret(key, facts)
            if key is None:
                fix = f"Set {name} in .kamal/secrets (Kamal 2.10 or newer reads it there), or remove it here."
                yield said(f"Kamal takes {name} in `ssh/key_data` for the key itself: {_why(facts)}", element.at, fix)
                continue
            what = f"the secret {name} of `ssh/key_data`"
        if trouble := _trouble(key):
            yield said(f"{what} {trouble}", element.at, "Keep it in OpenSSH's format, with real line breaks.")


def _secret(name: str, facts: Facts) -> str | None:
    """The secret's value, empty where it is not known; None where Kamal finds none."""
    return None if _is_before_secrets(facts) else facts.secrets.get(name)


def _why(facts: Facts) -> str:
    assert facts.config is not None  # noqa: S101 - for the type checker
    if _is_before_secrets(facts):
        return f"{facts.config.kamal.version} looks for no secret, and 2.10 does"
    return "no secrets file has that name"


def _is_before_secrets(facts: Facts) -> bool:
    return facts.config is not None and facts.config.kamal.parts < SECRETS_HOLD_KEYS


def _trouble(key: str) -> str:
    if "\\n" in key and "PRIVATE KEY" in key:
        return r"has \n in place of line breaks: net-ssh can't read it"
    if armour := _ARMOUR.search(key):
        try:
            encoded = b64decode("".join(armour[1].split()), validate=True)
        except (NotBase64, ValueError):
            return ""
        if _ED25519 in encoded[:32]:
            return "is an Ed25519 key in PKCS#8 (BEGIN PRIVATE KEY): net-ssh can't use it"
    return ""
