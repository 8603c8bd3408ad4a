"""Why a hop refused: the wire's words, the key's options and the host's own answers, weighed.

Of several obstacles that hold at once, the one that the wire's words speak of comes first; all are named,
for all must change. Where nothing the host says explains the refusal, that is said, and not guessed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kamal_forward_check.model import Aside, Candidate, Certainty, HopTrace, Role, ServerLine
from kamal_forward_check.sshd import advice, authorized_keys, effective, listeners, permits, wire
from kamal_forward_check.sshd.effective import Effective
from kamal_forward_check.sshd.wire import KeyOptions

FIRST_UNPRIVILEGED_PORT = 1024


class Why(StrEnum):
    """What forbids the forward."""

    KEY = "key"  # the key's line, or its certificate, takes port forwarding away
    DISABLED = "DisableForwarding"
    OFF = "AllowTcpForwarding"
    KEY_LIST = "key-list"  # permitlisten, permitopen
    LIST = "list"  # PermitListen, PermitOpen
    OWN_FORWARD = "own-forward"
    PORT_TAKEN = "port-taken"
    PRIVILEGED = "privileged"
    CANNOT_BIND = "cannot-bind"
    NOT_ON_DISK = "not-on-disk"  # the running sshd says no, its files say yes
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why, with every line that must change (the deciding one first), or what it may be and what would settle it."""

    why: Why
    lines: tuple[ServerLine, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The forward that was refused: a listen on a target, a connection from a jump."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Obstacle = tuple[Why, ServerLine]


def explain(seen: HopTrace, asked: Sequence[Asked]) -> Refusal:
    """Why `seen` refused all of `asked`: one listen of a target, or a jump's connections to the next hops."""
    key = wire.key_options(seen.heard.debug)
    holds = effective.read(seen.host_said)
    if seen.hop.role is Role.TARGET and not _forbidden_on_the_wire(seen):
        return _not_bound(seen, asked[0])
    obstacles = _key_obstacles(seen, key, asked)
    if holds:
        obstacles += _config_obstacles(seen, holds, asked)
        spoken = _spoken_of(seen)
        first = [why for why, _ in obstacles if why in spoken]
        if not first:
            return Refusal(Why.NOT_ON_DISK, candidates=_not_on_disk(seen))
        lines = sorted(obstacles, key=lambda obstacle: obstacle[0] is not first[0])
        return Refusal(first[0], tuple(line for _, line in lines))
    if obstacles and obstacles[0][0] is Why.KEY:
        return Refusal(Why.KEY, tuple(line for _, line in obstacles))
    return _by_the_wire(seen, asked, obstacles)


def _forbidden_on_the_wire(seen: HopTrace) -> bool:
    """sshd said that policy forbids the listen. A dropbear, or a server before 5.x, says nothing either way."""
    return any(text in seen.heard.debug for text in (wire.FORWARDING_DISABLED, wire.PERMIT_REFUSED))


def _spoken_of(seen: HopTrace) -> tuple[Why, ...]:
    if seen.hop.role is Role.TARGET and wire.PERMIT_REFUSED in seen.heard.debug:
        return Why.KEY_LIST, Why.LIST
    if seen.hop.role is Role.TARGET:
        return Why.KEY, Why.DISABLED, Why.OFF
    return Why.KEY, Why.DISABLED, Why.OFF, Why.KEY_LIST, Why.LIST


def _unlisted(role: Role, values: str, asked: Sequence[Asked]) -> list[str]:
    """What of `asked` a list of PermitListen (target) or PermitOpen (jump) leaves out."""
    allowed = permits.listen_allowed if role is Role.TARGET else permits.open_allowed
    return [str(each) for each in asked if not allowed(values, each.host, each.port)]


def _key_obstacles(seen: HopTrace, key: KeyOptions | None, asked: Sequence[Asked]) -> list[Obstacle]:
    if key is None:
        return []
    role = seen.hop.role
    limit = "permitlisten" if role is Role.TARGET else "permitopen"
    listed = authorized_keys.parse(seen.host_said.get("key", ""))
    unlisted = _unlisted(role, " ".join(listed.values(limit)), asked) if listed.values(limit) else []
    if key.forwarding and not unlisted:
        return []
    line = ServerLine(
        host=seen.hop.host.value,
        file=key.file or "the certificate",
        line=key.line or None,
        keyword=limit if key.forwarding else listed.withholding or "port-forwarding",
        current=str(listed),
        change_to=advice.key_line(listed, role, unlisted),
        # sshd named the line; what it says is known only where the login can read it.
        certainty=Certainty.EXACT if listed.pairs else Certainty.KEYWORD,
    )
    return [(Why.KEY_LIST if key.forwarding else Why.KEY, line)]


def _config_obstacles(seen: HopTrace, holds: Effective, asked: Sequence[Asked]) -> list[Obstacle]:
    role, host = seen.hop.role, seen.hop.host.value
    found: list[Obstacle] = []
    if holds.values.get("disableforwarding") == "yes":
        found.append((Why.DISABLED, advice.server_line(host, holds.deciding("DisableForwarding"), "no")))
    allow = holds.values["allowtcpforwarding"].lower()
    if allow not in ("yes", advice.NEEDED[role]):
        decides = holds.deciding("AllowTcpForwarding")
        found.append((Why.OFF, advice.server_line(host, decides, advice.allow_tcp_forwarding(allow, role))))
    keyword = "PermitListen" if role is Role.TARGET else "PermitOpen"
    if unlisted := _unlisted(role, holds.values.get(keyword.lower(), "any"), asked):
        decides = holds.deciding(keyword)
        found.append((Why.LIST, advice.server_line(host, decides, advice.listing(decides.value, unlisted))))
    return found


def _by_the_wire(seen: HopTrace, asked: Sequence[Asked], key_says: list[Obstacle]) -> Refusal:
    """What the wire alone proves."""
    role = seen.hop.role
    if role is Role.TARGET and wire.PERMIT_REFUSED in seen.heard.debug:
        return _listed(seen, asked, key_says)
    streamlocal, channels = wire.streamlocal_disabled(seen.asides), wire.opens_channels(seen.asides)
    if channels and role is Role.JUMP:
        return _listed(seen, asked, key_says)
    if channels:
        return Refusal(Why.OFF, (_keyword_line(seen, "AllowTcpForwarding", "yes"),))
    if streamlocal is False and role is Role.TARGET:
        return Refusal(Why.OFF, (_keyword_line(seen, "AllowTcpForwarding", advice.NEEDED[role]),))
    return Refusal(Why.UNDECIDED, candidates=_candidates(seen, asked, streamlocal=streamlocal))


def _listed(seen: HopTrace, asked: Sequence[Asked], key_says: list[Obstacle]) -> Refusal:
    role = seen.hop.role
    option, keyword = ("permitlisten", "PermitListen") if role is Role.TARGET else ("permitopen", "PermitOpen")
    key = wire.key_options(seen.heard.debug)
    if key_says:
        return Refusal(key_says[0][0], tuple(line for _, line in key_says))
    wanted = " ".join(map(str, asked))
    if key and option in key.names:
        # The key has a list of its own; sshd_config may have one as well.
        at = f"{key.file}:{key.line}" if key.file else "the certificate"
        show = f"sudo sed -n '{key.line}p' {key.file}"
        return Refusal(
            Why.UNDECIDED,
            candidates=(
                Candidate(option, f"{at} limits this key, and {wanted} may not be listed", show),
                Candidate(keyword, f"sshd_config may list other addresses than {wanted}", settle(seen, keyword)),
            ),
        )
    return Refusal(Why.LIST, (_keyword_line(seen, keyword, wanted),))


def _keyword_line(seen: HopTrace, keyword: str, value: str) -> ServerLine:
    return ServerLine(seen.hop.host.value, "sshd_config", None, keyword, "", f"{keyword} {value}", Certainty.KEYWORD)


def _candidates(seen: HopTrace, asked: Sequence[Asked], *, streamlocal: bool | None) -> tuple[Candidate, ...]:
    role = seen.hop.role
    wrong = "no or local" if role is Role.TARGET else "no or remote"
    off = Candidate("AllowTcpForwarding", f"it may be {wrong}", settle(seen, "AllowTcpForwarding"))
    disabled = Candidate(
        "DisableForwarding", "it may be yes; it beats AllowTcpForwarding", settle(seen, "DisableForwarding")
    )
    if role is Role.TARGET:
        expired = Candidate("password expired", "PAM forbids all forwards then", f"sudo chage -l {seen.hop.user}")
        return (disabled, off, expired) if streamlocal else (off, disabled, expired)
    listed = Candidate("PermitOpen", f"it may not list {asked[0]}", settle(seen, "PermitOpen"))
    return (disabled, off, listed) if streamlocal else (off, listed, disabled)


def _not_on_disk(seen: HopTrace) -> tuple[Candidate, ...]:
    reload = f"sudo sshd -t && {advice.reload_command(seen.host_said)}"
    daemons = f"sudo ss -ltnp 'sport = :{seen.hop.port}'; ps -eo args | grep '[s]shd'"
    return (
        Candidate("not reloaded", "the files were edited, and the running sshd has not read them", reload),
        Candidate("another daemon", "another sshd, with files of its own, serves this port", daemons),
        Candidate("password expired", "PAM forbids all forwards then", f"sudo chage -l {seen.hop.user}"),
    )


def _not_bound(seen: HopTrace, asked: Asked) -> Refusal:
    """Forwarding is allowed (or this server never says): the port itself could not be had."""
    if not wire.is_openssh(seen.heard.version):
        return Refusal(Why.UNDECIDED, candidates=_candidates(seen, (asked,), streamlocal=None))
    if listeners.is_own_forward(seen.host_said):
        return Refusal(Why.OWN_FORWARD, holder=str(listeners.holder(seen.host_said)))
    if found := listeners.holder(seen.host_said):
        return Refusal(Why.PORT_TAKEN, holder=str(found))
    if 0 < asked.port < FIRST_UNPRIVILEGED_PORT and seen.hop.user.value != "root":
        return Refusal(Why.PRIVILEGED)
    other = seen.asides.get(Aside.OTHER_PORT)
    taken = Candidate("port in use", f"something listens on {asked}", f"sudo ss -ltnp 'sport = :{asked.port}'")
    bound = Candidate(
        "AddressFamily", "it may be inet6: then no IPv4 address can be bound", settle(seen, "AddressFamily")
    )
    if other and other.granted:
        return Refusal(Why.PORT_TAKEN, candidates=(taken,))
    return Refusal(Why.CANNOT_BIND, candidates=(taken, bound))


def settle(seen: HopTrace, keyword: str) -> str:
    """The one command that shows what holds for this login, to be typed in an SSH session that came the same way."""
    who = f"user={seen.hop.user},host=${{SSH_CONNECTION%% *}},addr=${{SSH_CONNECTION%% *}}"
    return f'sudo sshd -T -C "{who}" | grep -i {keyword.lower()}'
