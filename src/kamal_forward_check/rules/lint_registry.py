"""KF11x: the registry, its port and the builder, where Kamal accepts the file and the deploy breaks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kamal_forward_check.deploy.servers import is_blank, is_true
from kamal_forward_check.model import Node, Purpose, Role
from kamal_forward_check.route.jumps import parse_uri
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.lint import config_of, lent, let_in, lint, said, text
from kamal_forward_check.rules.registry import Hit

_MOST = 65535
_THIS_MACHINE = re.compile(
    r"(?:https?://)?(?:localhost|127(?:\.\d+){3}|\[?::1\]?|0\.0\.0\.0)(?::(?P<port>\d+))?/?", re.IGNORECASE
)
_PUBLISHED = re.compile(r"(?:(?P<address>\[[^\]]*\]|[^:/]*):)?(?P<first>\d+)(?:-(?P<last>\d+))?:\d+(?:-\d+)?(?:/tcp)?")
_NOT_THERE = re.compile(r"\[.*\]|(?!127\.0\.0\.1$|0\.0\.0\.0$|localhost$).+")
"""An address of the server's on which a port does not meet the forward's, on 127.0.0.1."""


@lint("KF110", name="registry-not-taken-as-local", title="A registry on this machine that Kamal does not lend")
def registry_not_taken_as_local(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    Kamal lends a registry to the servers only where `registry.server` begins with `localhost:`, from 2.8 on.
    `127.0.0.1:5555`, a bare `localhost`, capitals or `http://` make it an ordinary registry: no forward is
    opened, a login is wanted, and each server looks for the registry on itself.

    ## Fix
    Write `server: localhost:5555`, with the registry's port.

    ## See it by hand
    `kamal build pull` prints no `Setting up local registry port forwarding`; on the server docker says
    `connection refused`.
    """
    server = root.get("registry", "server")
    name = text(server)
    found = _THIS_MACHINE.fullmatch(name) if name else None
    if found is None or server is None or lent(facts).needed:
        return
    if str(name).startswith("localhost:"):
        fix = "Update Kamal to 2.8.2 or newer, or use a registry that the servers reach."
        yield said(f"Kamal {config_of(facts).kamal.version} lends no local registry: 2.8 is the first", server.at, fix)
        return
    message = f"Kamal takes the registry {name} for one that the servers reach by themselves, and opens no forward"
    yield said(message, server.at, f"Write `server: localhost:{found['port'] or 5555}`.")


@lint("KF111", name="port-out-of-range", title="A port that no one can listen on")
def port_out_of_range(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    Kamal hands on any number, and any word, as a port. The registry's is whatever stands behind its last
    colon, and 0 where no number stands there: the server then listens on a port of its own choice, which
    docker does not ask. sshd takes a port above 65535 modulo 65536.

    ## Fix
    Give a number from 1 to 65535.

    ## See it by hand
    `ss -tln` on the server shows which port its sshd listens on while `kamal build pull` waits.
    """
    needed = lent(facts)
    if needed.needed and needed.port is not None and needed.at and not 0 < needed.port <= _MOST:
        server = text(root.get("registry", "server"))
        yield said(f"Kamal forwards port {needed.port} for the registry {server}", needed.at, _A_PORT)
    port = root.get("ssh", "port")
    if port and not port.unknown and not isinstance(port.value, (list, dict)) and not _is_port(port.value):
        yield said(f"`ssh/port` is no port: {port.shown}", port.at, _A_PORT)
    remote = root.get("builder", "remote")
    uri = parse_uri(re.sub(r"^ssh://", "", text(remote) or ""))
    if remote and uri and uri["port"] and not _is_port(uri["port"]):
        yield said(f"`builder/remote` has no port to dial: {uri['port']}", remote.at, _A_PORT)


_A_PORT = "Give a number from 1 to 65535."


def _is_port(value: object) -> bool:
    return bool(re.fullmatch(r"\s*\d+\s*", str(value), re.ASCII)) and 0 < int(str(value)) <= _MOST


@lint("KF112", name="login-left-over", title="A login for a registry that asks for none")
def login_left_over(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    A local registry has no login. Kamal takes `username` and `password` of it without a word, and then reads
    the secret that the password names: a secret that is gone stops the deploy for nothing.

    ## Fix
    Remove both.

    ## See it by hand
    `kamal registry login` with the local registry logs in nowhere.
    """
    login = [root.get("registry", key) for key in ("username", "password")]
    left = [node for node in login if node is not None and not is_blank(node)]
    if left and lent(facts).port is not None:
        message = "the local registry asks for no login: `username` and `password` are left over"
        yield said(message, left[0].key or left[0].at, "Remove `username` and `password` below `registry`.")


@lint("KF113", name="registry-port-published", title="A container takes the registry's port on a server")
def registry_port_published(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    The forward listens on the server's 127.0.0.1 at the registry's port. An accessory, kamal-proxy or a role
    that publishes that very port holds it first, and the forward is refused: `Failed to establish port
    forward`. 5555 is also what Celery's Flower and adb listen on.

    ## Fix
    Publish another port, or give the registry another: `server: localhost:5556`.

    ## See it by hand
    `docker ps --filter publish=5555` on the server.
    """
    port = lent(facts).port
    for node, what, published in _published(root) if port else ():
        found = _PUBLISHED.fullmatch(published)
        if found and not _NOT_THERE.fullmatch(found["address"] or "127.0.0.1"):
            first = int(found["first"])
            if first <= (port or 0) <= int(found["last"] or first):
                message = f"{what} publishes port {port} on its servers, which the forward of the registry wants"
                yield said(message, node.at, "Publish another port, or give the registry another one.")


def _published(root: Node) -> Iterator[tuple[Node, str, str]]:
    """Each port that a container publishes: its node, whose it is, and docker's own notation."""
    accessories, servers = root.get("accessories"), root.get("servers")
    for name, accessory in accessories.items() if accessories else ():
        port = accessory.get("port")
        if port and not port.unknown and not isinstance(port.value, (list, dict)):
            yield port, f"the accessory {name}", str(port.value) if ":" in str(port.value) else f"{port.value}:1"
        yield from _options(accessory, f"the accessory {name}")
        yield from _run(accessory.get("proxy", "run"))
    for name, role in servers.items() if servers else ():
        yield from _options(role, f"the role {name}")
        yield from _run(role.get("proxy", "run"))
    yield from _run(root.get("proxy", "run"))


def _options(container: Node, what: str) -> Iterator[tuple[Node, str, str]]:
    for option in ("publish", "p"):
        node = container.get("options", option)
        for each in (list(node.elements()) or [node]) if node else ():
            if published := text(each):
                yield each, what, published


def _run(run: Node | None) -> Iterator[tuple[Node, str, str]]:
    if run is None or (run.get("publish") and not is_true(run.get("publish"))):
        return
    listed = run.get("bind_ips")
    addresses = [address for node in listed.elements() if (address := text(node))] if listed else [""]
    for key in ("http_port", "https_port"):
        port = run.get(key)
        for address in addresses if port and isinstance(port.value, int) else ():
            bound = f"[{address}]" if ":" in address else address
            assert port is not None  # noqa: S101 - for the type checker
            yield port, "kamal-proxy", f"{bound}:{port.value}:1" if bound else f"{port.value}:1"


_NOT_FOR_THE_BUILDER = ("proxy", "proxy_command", "keys", "key_data", "config")


@lint("KF114", name="builder-goes-its-own-way", title="The remote builder is reached without the ssh section")
def builder_goes_its_own_way(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    To lend the registry to `builder.remote`, Kamal takes user and port from that URI, and nothing of `ssh`:
    no proxy, no key, no config. Where the URI names no user, the login name of the deploying machine is
    taken. docker buildx itself goes by the system's ssh and `~/.ssh/config`.

    ## Fix
    Name the builder in `~/.ssh/config` with what it takes to reach it (`ProxyJump`, `IdentityFile`), and its
    user in the URI.

    ## See it by hand
    `ssh` to the same URI, with no option.
    """
    remote, ssh = root.get("builder", "remote"), root.get("ssh")
    if not text(remote) or remote is None or lent(facts).port is None or ssh is None:
        return
    if let_in(facts, Purpose.BUILD, Role.TARGET):
        return
    ignored = [key for key in _NOT_FOR_THE_BUILDER if is_true(ssh.get(key))]
    if is_true(ssh.get("user")) and "@" not in str(remote.value):
        ignored.insert(0, "user")
    if ignored:
        keys = " and ".join(filter(None, (", ".join(f"`{key}`" for key in ignored[:-1]), f"`{ignored[-1]}`")))
        message = f"the remote builder is reached without {keys} of `ssh`: Kamal takes user and port from its URI alone"
        fix = "Say in ~/.ssh/config how to reach the builder; with its user in the URI: `ssh://user@host`."
        yield said(message, remote.at, fix)
