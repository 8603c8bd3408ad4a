"""What Kamal checks of kamal-proxy's settings, and no schema can say (2.11, configuration.rb, validator/proxy.rb)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from kamal_forward_check.deploy.kamal_version import is_older
from kamal_forward_check.deploy.overlay import merged
from kamal_forward_check.deploy.servers import Role, Servers, is_blank, is_true
from kamal_forward_check.model import KamalVersion, Node, Problem, ProblemKind, Severity

_ONE_RUN_A_HOST_SINCE = "2.10.0"


def judge(root: Node, servers: Servers, kamal: KamalVersion) -> Iterator[Problem]:
    """The common proxy, each role's and accessory's, and those that meet on a host or under a name."""
    common = root.get("proxy")
    in_common = list(_settings(common, "proxy"))
    yield from in_common
    serving = {role: _joined(common, role) for role in servers.roles if _is_served(role, servers.primary)}
    for role, settings in serving.items():
        own = list(_settings(role.proxy, f"servers/{role.name}/proxy"))
        yield from own
        if not own and not in_common:
            for problem in _settings(settings, f"servers/{role.name}/proxy"):
                yield replace(problem, message=f"{problem.message}, joined with the common `proxy`")
    accessories = root.get("accessories")
    for name, accessory in accessories.items() if accessories else ():
        yield from _settings(accessory.get("proxy"), f"accessories/{name}/proxy")
    yield from _one_host_for_ssl(serving)
    yield from _hosts_of_their_own(serving)
    if not is_older(kamal.version, _ONE_RUN_A_HOST_SINCE):
        yield from _one_run_a_host(serving, accessories, servers)


def _is_served(role: Role, primary: str) -> bool:
    if role.name == primary:
        return role.proxy is None or role.proxy.value is not False
    return is_true(role.proxy)


def _joined(common: Node | None, role: Role) -> Node | None:
    own = role.proxy if role.proxy and isinstance(role.proxy.value, dict) else None
    if own is None or common is None or not isinstance(common.value, dict):
        return own or common
    return merged(common, own)


def _settings(proxy: Node | None, path: str) -> Iterator[Problem]:
    if proxy is None or proxy.unknown or not isinstance(proxy.value, dict):
        return
    host, hosts, ssl = proxy.get("host"), proxy.get("hosts"), proxy.get("ssl")
    if ssl and is_true(ssl) and is_blank(host) and is_blank(hosts):
        yield _problem(
            ProblemKind.MISSING, f"`{path}/ssl` wants a `host` to get a certificate for", ssl, f"{path}/host"
        )
    if host and hosts:
        yield _problem(ProblemKind.WRONG_VALUE, f"`{path}` has `host` and `hosts`, and takes one of them", hosts, path)
    yield from _certificate(ssl, path)
    run = proxy.get("run")
    publish = run.get("publish") if run else None
    if run and publish and publish.value is False:
        ports = [name for name in ("bind_ips", "http_port", "https_port") if not is_blank(run.get(name))]
        if ports:
            message = f"`{path}/run` sets {', '.join(ports)} and publishes nothing: `publish` is false"
            yield _problem(ProblemKind.WRONG_VALUE, message, publish, f"{path}/run/publish")


def _certificate(ssl: Node | None, path: str) -> Iterator[Problem]:
    pair = ("certificate_pem", "private_key_pem")
    if ssl is None or not isinstance(ssl.value, dict):
        return
    for given, wanted in (pair, pair[::-1]):
        if not is_blank(ssl.get(given)) and is_blank(ssl.get(wanted)):
            message = f"`{path}/ssl` has `{given}`, and no `{wanted}`"
            yield _problem(ProblemKind.MISSING, message, ssl, f"{path}/ssl/{wanted}")


def _has_own_certificate(ssl: Node) -> bool:
    return isinstance(ssl.value, dict) and not is_blank(ssl.get("certificate_pem"))


def _one_host_for_ssl(serving: dict[Role, Node | None]) -> Iterator[Problem]:
    for role, settings in serving.items():
        ssl = settings.get("ssl") if settings else None
        if ssl and is_true(ssl) and len(role.hosts) > 1 and not _has_own_certificate(ssl):
            needs = "unless it names your own certificate"
            message = f"`ssl` works for one server {needs}: role `{role.name}` has {len(role.hosts)}"
            yield _problem(ProblemKind.WRONG_VALUE, message, ssl, "proxy/ssl")


def _hosts_of_their_own(serving: dict[Role, Node | None]) -> Iterator[Problem]:
    with_ssl = [settings for settings in serving.values() if settings and is_true(settings.get("ssl"))]
    for settings in with_ssl:
        host = settings.get("host")
        if host and not host.unknown and not isinstance(host.value, str) and not is_true(settings.get("hosts")):
            yield Problem(
                ProblemKind.WRONG_TYPE, Severity.ERROR, "`proxy/host` should be a string where `ssl` is on",
                host.at, "proxy/host", "Put it in quotes.",
            )  # fmt: skip
    named = Counter(name for settings in with_ssl for name in _names(settings))
    for settings in with_ssl[1:] if len(with_ssl) > 1 else with_ssl:
        if shared := {name.shown for name in _names(settings) if named[name] > 1}:
            message = f"roles with `ssl` can't share a host name: {', '.join(sorted(shared))}"
            place = settings.get("hosts") or settings.get("host") or settings
            yield _problem(ProblemKind.WRONG_VALUE, message, place, "proxy/host")
            return


@dataclass(frozen=True, slots=True)
class _Name:
    """A host name as Ruby compares it: 5 is not "5"."""

    text: str
    kind: type
    shown: str = field(compare=False)


def _names(settings: Node) -> list[_Name]:
    hosts, host = settings.get("hosts"), settings.get("host")
    if is_true(hosts) and hosts:
        named = [element for element in hosts.elements() if not element.unknown and not isinstance(element.value, dict)]
        return [_Name(str(element.value), type(element.value), element.shown) for element in named]
    if host is None or host.unknown or not isinstance(host.value, str):
        return []
    return [_Name(name, str, host.variable or name) for name in host.value.split(",")]


def _one_run_a_host(serving: dict[Role, Node | None], accessories: Node | None, servers: Servers) -> Iterator[Problem]:
    """Kamal compares the settings' identity, not what they say: two that are alike conflict as well."""
    runs = [(role.hosts, run) for role, settings in serving.items() if (run := _run(settings))]
    for _, accessory in accessories.items() if accessories else ():
        if run := _run(accessory.get("proxy")):
            runs.append((servers.hosts_of(accessory), run))
    count = Counter(host for hosts, _ in runs for host in set(hosts) if host != "?")
    for host, number in count.items():
        if number > 1:
            run = next(run for hosts, run in reversed(runs) if host in hosts)
            message = f"kamal-proxy would be started with {number} settings on {host}: Kamal wants one `run` a host"
            yield _problem(ProblemKind.WRONG_VALUE, message, run, "proxy/run")


def _run(settings: Node | None) -> Node | None:
    run = settings.get("run") if settings else None
    return run if run and not run.unknown and not is_blank(run) else None


def _problem(kind: ProblemKind, message: str, node: Node, path: str) -> Problem:
    return Problem(kind, Severity.ERROR, message, node.key or node.at, path)
