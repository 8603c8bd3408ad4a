"""The plan: a route for every host that Kamal forwards the registry's port to, exactly as Kamal would go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from kamal_forward_check.model import (
    Algorithms,
    Client,
    DeployConfig,
    Forwarding,
    Given,
    Hop,
    Node,
    Plan,
    Problem,
    ProblemKind,
    Purpose,
    Role,
    Route,
    Severity,
    Skipped,
    Vantage,
)
from kamal_forward_check.route import host_keys
from kamal_forward_check.route.builder import remote_builder
from kamal_forward_check.route.commands import refused
from kamal_forward_check.route.credentials import Credentials
from kamal_forward_check.route.hosts import forwarded_hosts
from kamal_forward_check.route.jumps import JumpHop, first_call, jumps, parse_uri, stdio_target
from kamal_forward_check.route.net_ssh_config import DEFAULT_FILES
from kamal_forward_check.route.not_followed import NotFollowed, kamal_stops
from kamal_forward_check.route.openssh import Call, OpenSsh
from kamal_forward_check.route.registry import forwarding, listen_address
from kamal_forward_check.route.targets import Dialling, Target, by_ssh_section, resolve
from kamal_forward_check.route.tokens import UnknownTokenError, expand
from kamal_forward_check.settings import Settings
from kamal_forward_check.sshd import net_ssh
from kamal_forward_check.system import System

_T = TypeVar("_T")


def plan(config: DeployConfig, settings: Settings, system: System, vantage: Vantage) -> Plan:
    """The routes that Kamal would open, and what could not be worked out. Nothing is dialled.

    Raises CannotCheck where `--hosts` or `--roles` match nothing: Kamal stops there too.
    """
    needed = forwarding(config)
    branches = tuple(_unseen_branches(config))
    if not needed.needed:
        return Plan(needed, skipped=branches)
    if config.root is None or needed.port is None:
        return Plan(needed, skipped=(Skipped("the forward", needed.reason), *branches))
    held_back = () if vantage is Vantage.LOCAL or settings.allow_proxy_command else tuple(refused(config, system))
    if held_back:
        return Plan(needed, skipped=(*held_back, *branches))
    made = _Planner(config, settings, system, vantage, needed.port).plan(config.root, needed)
    return replace(made, skipped=(*made.skipped, *branches))


def _unseen_branches(config: DeployConfig) -> Iterator[Skipped]:
    """ERB that only Ruby could run, and that decides which lines there are: Kamal may read other ones."""
    for problem in config.problems:
        if problem.kind is ProblemKind.OPAQUE and problem.severity is Severity.WARNING:
            yield Skipped(f"what the ERB at {problem.at.file}:{problem.at.line} decides", problem.message)


@dataclass(slots=True)
class _Planner:
    config: DeployConfig
    settings: Settings
    system: System
    vantage: Vantage
    port: int
    openssh: OpenSsh = field(init=False)
    credentials: Credentials = field(init=False)
    routes: list[Route] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    problems: dict[Problem, None] = field(default_factory=dict)
    _jumps: dict[tuple[Call, Given[str]], tuple[Hop, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.openssh = OpenSsh(self.system, away=self.vantage is Vantage.CONTAINER)
        self.credentials = Credentials(self.config, self.settings, self.system, self.vantage)

    def plan(self, root: Node, needed: Forwarding) -> Plan:
        """The builder's route first: Kamal pushes before it pulls."""
        self._build()
        hosts = forwarded_hosts(root, self.settings)
        self.skipped += hosts.unknown
        self._pull(hosts.hosts, root.get("ssh"))
        if not (self.routes or self.skipped or self.problems):
            needed = replace(needed, needed=False, reason="no host is left to forward to: Kamal opens no forward")
        return Plan(needed, tuple(self.routes), (*self.skipped, *self.openssh.skipped), tuple(self.problems))

    def _build(self) -> None:
        def dialling() -> tuple[Given[str], Dialling] | None:
            remote = remote_builder(self.config, self.system, self.vantage)
            return _of_builder(remote) if remote else None

        found = self._or_skipped("the remote builder", dialling)
        if found:
            self._add(Purpose.BUILD, (found[0],), found[1])

    def _pull(self, hosts: tuple[Given[str], ...], ssh: Node | None) -> None:
        if not hosts:
            return

        def dialling() -> Dialling:
            made = by_ssh_section(ssh, self.config.kamal)
            named = (file for file in made.config_files if file not in DEFAULT_FILES)
            for file in named if self.vantage is Vantage.CONTAINER else ():
                if not self.system.path(file).is_file():
                    raise NotFollowed(f"ssh.config names {file}, which is not here: the deploying machine may have it")
            return made

        found = self._or_skipped(f"the route to {_listed(hosts)}", dialling)
        if found:
            self._add(Purpose.PULL, hosts, found)

    def _add(self, purpose: Purpose, hosts: Iterable[Given[str]], dialling: Dialling) -> None:
        """A route for each host; those that stop for one reason are skipped as one."""
        stopped: dict[str, list[Given[str]]] = {}
        for host in hosts:
            try:
                hops, ssh = self._hops(resolve(host, dialling, self.system))
            except NotFollowed as stop:
                stopped.setdefault(stop.why, []).append(host)
                self._note(stop)
            else:
                given = self.credentials.identities
                self.routes.append(Route(purpose, hops, listen_address(self.config), self.port, ssh, given))
        self.skipped += [Skipped(f"the route to {_listed(hosts)}", why) for why, hosts in stopped.items()]

    def _hops(self, target: Target) -> tuple[tuple[Hop, ...], tuple[str, ...]]:
        """The hops to a target, and the ssh that Kamal calls for those before it."""
        if not target.jumps:
            return (self._target_hop(target, target.address),), ()
        call = first_call(target.jumps, target.config_file(self.system), target.address, target.port.value)
        address = stdio_target(target.address, target.host.at)
        before = self._jump_hops(call, target.jumps)
        return (*before, self._target_hop(target, address)), call.command_to(target.address, target.port.value)

    def _jump_hops(self, call: Call, named: Given[str]) -> tuple[Hop, ...]:
        """The jumps of one call, made once: routes that share their jumps share these very hops."""
        key = (call, named)
        if key not in self._jumps:
            self._jumps[key] = tuple(self._jump_hop(jump) for jump in jumps(self.openssh, call, named))
        return self._jumps[key]

    def _jump_hop(self, jump: JumpHop) -> Hop:
        return Hop(
            role=Role.JUMP,
            host=jump.host,
            port=jump.port,
            user=jump.user,
            dialled_by=Client.OPENSSH,
            address=jump.answer.one("hostname"),
            keys=self.credentials.for_jump(jump.answer),
            host_key_rule=host_keys.for_jump(jump.answer, self.settings),
            proxy_command=jump.proxy_command,
        )

    def _target_hop(self, target: Target, address: str) -> Hop:
        command = target.proxy_command
        direct = not (target.jumps or command)
        return Hop(
            role=Role.TARGET,
            host=target.host,
            port=target.port,
            user=target.user,
            dialled_by=Client.NET_SSH,
            address=address,
            keys=self.credentials.for_target(target.read, target.ssh),
            host_key_rule=host_keys.for_target(
                target.read, target.address, target.port.value, self.settings, direct=direct
            ),
            proxy_command=_expanded(command, target) if command else None,
            proposes=self._proposal(target),
        )

    def _proposal(self, target: Target) -> Algorithms:
        """What net-ssh proposes: its own lists, as ssh_config changes them and as Kamal's bundle can do more."""
        given = {keyword: target.read.given(keyword.lower()) for keyword in net_ssh.PROPOSED}
        told = {keyword: value.value for keyword, value in given.items() if value and value.value.strip()}
        lockfile = self.config.kamal.source.rpartition(":")[0] or "Gemfile.lock"
        locked = self.system.read_text(self.system.path(lockfile)) or ""
        return net_ssh.proposal(told, [gem for gem in net_ssh.OF_GEMS if f"\n    {gem} (" in locked])

    def _or_skipped(self, what: str, work: Callable[[], _T]) -> _T | None:
        try:
            return work()
        except NotFollowed as stop:
            self.skipped.append(Skipped(what, stop.why))
            self._note(stop)
            return None

    def _note(self, stop: NotFollowed) -> None:
        if stop.problem:
            self.problems[stop.problem] = None


def _of_builder(remote: Given[str]) -> tuple[Given[str], Dialling]:
    """The builder's host, and what Kamal takes from its URI: user and port, nothing of `ssh`."""
    uri = parse_uri(remote.value.removeprefix("ssh://"))
    if uri is None or not uri["host"]:
        raise kamal_stops(f'builder/remote: "{remote.value}" is no ssh://user@host:port', remote.at, "builder/remote")
    return replace(remote, value=uri["host"]), Dialling(
        user=replace(remote, value=uri["user"]) if uri["user"] else None,
        port=Given(int(uri["port"]), remote.source, remote.at) if uri["port"] else None,
    )


def _expanded(command: Given[str], target: Target) -> Given[str]:
    """The command with net-ssh's tokens in it. For %r Kamal gives it no value (net-ssh 7.3, proxy/command.rb)."""
    try:
        return replace(command, value=expand(command.value, {"h": target.address, "p": str(target.port)}))
    except UnknownTokenError as error:
        raise kamal_stops(
            f'{command.source}: net-ssh has nothing for "{error}" (ArgumentError); it takes %h and %p', command.at
        ) from None


def _listed(hosts: Iterable[Given[str]]) -> str:
    return ", ".join(host.value for host in hosts)
