"""From Kamal's proxy string to the jumps, in the order in which they are dialled.

Kamal hands the string to net-ssh's Proxy::Jump, which calls the system's ssh: the first name is the last jump,
and the others are handed on as `-J`. With `-J` ssh calls itself for the last name of that list, and so on
(OpenSSH's ssh.c): for "a,b" the way is b, a, target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv6Address

from kamal_forward_check.model import Given, Span
from kamal_forward_check.route.not_followed import NotFollowed, kamal_stops
from kamal_forward_check.route.openssh import Answer, Call, OpenSsh, SshRefusesError
from kamal_forward_check.route.tokens import UnknownTokenError, expand

KAMALS_USER = "root"
_MOST = 8
_ALONE = "Write the host alone; a port goes to ssh.port."
_BY_NAME = "Name the host, by DNS or in ssh_config; or use ssh.proxy_command with [%h]:%p."

# RFC 3986, as Ruby's uri 1.1 has it; what follows the port counts for nothing.
_CHARACTER = r"%[0-9A-Fa-f]{2}|[!$&-.0-9;=A-Z_a-z~]"
_URI = re.compile(
    rf"(?:(?P<user>(?:{_CHARACTER})*)(?::(?:{_CHARACTER}|:)*)?@)?"
    rf"(?P<host>\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?:{_CHARACTER})*)(?::(?P<port>\d*))?"
    rf"(?:/(?:{_CHARACTER}|[:@/])*)?(?:\?[^#]*)?(?:#(?:{_CHARACTER}|[:@/?])*)?",
    re.ASCII | re.DOTALL,
)
# What a shell hands on as it stands. Kamal quotes nothing.
_PLAIN = re.compile(r"[\w.@:,+=/%\[\]-]*(?:~[\w.@:,+=/-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class JumpHop:
    """A jump: what ssh would use for it, with the places where its name, user and port stand."""

    answer: Answer
    host: Given[str]
    user: Given[str]
    port: Given[int]
    proxy_command: Given[str] | None = None


def with_kamals_user(proxy: str) -> str:
    """Kamal's own prefix: root, where there is no user anywhere in the string (configuration/ssh.rb)."""
    return proxy if "@" in proxy else f"{KAMALS_USER}@{proxy}"


def first_call(proxy: Given[str], config: str, host: str, port: int) -> Call:
    """The ssh that net-ssh calls for a proxy string (proxy/jump.rb) and a target.

    `config` is what stands after -F, or empty. Raises NotFollowed.
    """
    first, comma, others = proxy.value.partition(",")
    uri = parse_uri(first)
    if uri is None:
        raise kamal_stops(
            f'{proxy.source}: "{proxy.value}" is not [user@]host[:port] as Ruby reads it (URI::InvalidURIError)',
            proxy.at,
            "ssh/proxy",
        )
    call = Call(uri["host"], uri["user"], uri["port"] or None, others.strip() if comma else None, config)
    if not all(word for word in (call.host, call.user, call.jumps) if word is not None):
        raise kamal_stops(f'{proxy.source}: "{proxy.value}" leaves a name empty: ssh stops', proxy.at, "ssh/proxy")
    parts = (call.host, call.user or "", call.jumps or "", config)
    if not all(_PLAIN.fullmatch(part) for part in parts):
        raise NotFollowed(f'{proxy.source}: "{proxy.value}" goes through a shell, which may make something else of it')
    return _expanded(call, proxy, host, port)


def jumps(openssh: OpenSsh, call: Call, came_from: Given[str], depth: int = 0) -> Iterator[JumpHop]:
    """The hops of one ssh in dialling order: the jumps that it needs itself, then the host that it is called for.

    `came_from` is the value that named the host. Raises NotFollowed.
    """
    if depth == _MOST:
        raise NotFollowed(f"the jumps before {call.host} come to no end after {_MOST}")
    answer = _answer(openssh, call, came_from)
    proxy_command = None
    if (before := answer.one("proxyjump", "none")) != "none":
        named = came_from if call.jumps is not None else answer.given("proxyjump")
        yield from jumps(openssh, _inner_call(answer, before, named), named, depth + 1)
    elif (command := answer.one("proxycommand", "none")) != "none":
        proxy_command = _proxy_command(answer, command)
    yield JumpHop(
        answer,
        replace(came_from, value=call.host),
        _part(answer, "user", came_from) if call.user else _local_user(answer),
        _port(answer, came_from),
        proxy_command,
    )


def parse_uri(text: str) -> re.Match[str] | None:
    """`user`, `host` and `port` of what stands behind `ssh://`; None where Ruby raises URI::InvalidURIError."""
    uri = _URI.fullmatch(text)
    if uri and uri["v6"]:
        try:
            IPv6Address(uri["v6"])
        except AddressValueError:
            return None
    return uri


def _answer(openssh: OpenSsh, call: Call, came_from: Given[str]) -> Answer:
    try:
        answer = openssh.ask(call)
    except SshRefusesError as error:
        why = f"{came_from.source}: the ssh that is called for {call.host} stops: {error}"
        if openssh.away and openssh.takes(replace(call, config="none")):
            # It is not the arguments: the deploying machine may have the files that are wanted.
            raise NotFollowed(why) from None
        raise kamal_stops(why, came_from.at) from None
    if answer.one("knownhostscommand", "none") != "none":
        raise NotFollowed(f"{call.host}: a KnownHostsCommand tells its key, and is not run here")
    return answer


def _expanded(call: Call, proxy: Given[str], host: str, port: int) -> Call:
    """net-ssh looks for tokens in the whole command, and so in the names too."""
    tokens = {"h": host, "p": str(port)}
    try:
        return Call(
            expand(call.host, tokens),
            None if call.user is None else expand(call.user, tokens),
            call.port,
            None if call.jumps is None else expand(call.jumps, tokens),
            expand(call.config, tokens),
        )
    except UnknownTokenError as error:
        raise kamal_stops(
            f'{proxy.source}: net-ssh knows no token "{error}" (ArgumentError)', proxy.at, "ssh/proxy"
        ) from None


def _inner_call(answer: Answer, before: str, named: Given[str]) -> Call:
    """The ssh that ssh calls for its own ProxyJump: for the list's last name, the others as `-J`."""
    others, comma, last = before.rpartition(",")
    user, at, rest = last.removeprefix("ssh://").rpartition("@")
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d+))?", rest)
    host, port = bracketed.groups() if bracketed else (rest.partition(":")[0], rest.partition(":")[2] or None)
    try:
        host = answer.expanded(host)
    except UnknownTokenError as error:
        raise kamal_stops(f'{named.source}: ssh knows no token "{error}" in ProxyJump', named.at) from None
    return Call(host, user if at else None, port, others if comma else None, answer.call.config)


def _proxy_command(answer: Answer, command: str) -> Given[str]:
    given = answer.given("proxycommand", command)
    if answer.is_on("proxyusefdpass"):
        raise NotFollowed(f"{given.source}: a ProxyCommand that passes a descriptor (ProxyUseFdpass) is not followed")
    try:
        return replace(given, value=answer.expanded(command))
    except UnknownTokenError as error:
        raise kamal_stops(f'{given.source}: ssh knows no token "{error}" in ProxyCommand', given.at) from None


def _part(answer: Answer, keyword: str, came_from: Given[str]) -> Given[str]:
    return replace(came_from, value=answer.one(keyword))


def _local_user(answer: Answer) -> Given[str]:
    given = answer.given("user")
    return given if given.at else replace(given, source="the local user")


def _port(answer: Answer, came_from: Given[str]) -> Given[int]:
    given = _part(answer, "port", came_from) if answer.call.port else answer.given("port")
    return Given(int(given.value), given.source, given.at)


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host)
    except AddressValueError:
        return False
    return True


def stdio_target(host: str, at: Span | None) -> str:
    """The address behind `-W HOST:PORT`, as ssh reads it: brackets go, and a bare colon is an error.

    Raises NotFollowed where ssh stops.
    """
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1]
    if ":" in host or "/" in host:
        words = f'"{host}" behind a jump: ssh stops at "-W {host}:…" (Bad stdio forwarding specification)'
        raise kamal_stops(words, at, hint=_BY_NAME if _is_ipv6(host) else _ALONE)
    return host
