"""Why a hop refused: the wire's words, the key's options and the host's own answers, weighed.

Of several obstacles that hold at once, the one that the wire's words speak of comes first; all are named,
for all must change. Where nothing the host says explains the refusal, that is said, and not guessed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kamal_forward_check.model import Aside, Candidate, Certainty, HopTrace, Role, ServerLine
from kamal_forward_check.sshd import advice, authorized_keys, candidates, effective, listeners, permits, wire
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.effective import Effective
from kamal_forward_check.sshd.wire import KeyOptions

FIRST_UNPRIVILEGED_PORT = 1024
CERTIFICATE = "the certificate"
"""Stands for a file where a certificate says what its key may do."""
IN_SSHD_CONFIG = "sshd_config"
"""Stands for a file where the wire proves the keyword, and nobody named the file."""

_LIST_OPTION = {Role.TARGET: "permitlisten", Role.JUMP: "permitopen"}
_LIST = {Role.TARGET: "PermitListen", Role.JUMP: "PermitOpen"}
_EXPIRED = "password has expired"


class Why(StrEnum):
    """What forbids the forward."""

    KEY = "key"  # the key's line, or its certificate, takes port forwarding away
    DISABLED = "DisableForwarding"
    OFF = "AllowTcpForwarding"
    KEY_LIST = "key-list"  # permitlisten, permitopen
    LIST = "list"  # PermitListen, PermitOpen
    EXPIRED = "expired"  # PAM withholds all forwards until the user's password is changed
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


Obstacle = tuple[Why, ServerLine]


def explain(seen: HopTrace, asked: Sequence[Asked]) -> Refusal:
    """Why `seen` refused all of `asked`: one listen of a target, or a jump's connections to the next hops."""
    role = seen.hop.role
    if not wire.is_openssh(seen.heard.version) and not seen.heard.debug:
        return Refusal(Why.UNDECIDED, candidates=candidates.of_another_server(seen, asked))
    if role is Role.TARGET and wire.may_listen(seen.heard.debug):
        return _not_bound(seen, asked[0])
    if _EXPIRED in seen.not_asked:
        return Refusal(Why.EXPIRED)
    holds = effective.read(seen.host_said)
    obstacles = _key_obstacles(seen, holds, asked)
    if holds:
        obstacles += _config_obstacles(seen, holds, asked)
        spoken = _spoken_of(seen)
        if first := [why for why, _ in obstacles if why in spoken]:
            lines = tuple(line for _, line in sorted(obstacles, key=lambda obstacle: obstacle[0] is not first[0]))
            unsure = candidates.unsure(seen, holds, lines)
            return Refusal(first[0], lines, unsure)
        if not holds.doubt:
            return Refusal(Why.NOT_ON_DISK, candidates=candidates.not_on_disk(seen))
    if obstacles and obstacles[0][0] is Why.KEY:
        return Refusal(Why.KEY, tuple(line for _, line in obstacles))
    return _by_the_wire(seen, asked, [line for why, line in obstacles if why is Why.KEY_LIST])


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


def _key_obstacles(seen: HopTrace, holds: Effective | None, asked: Sequence[Asked]) -> list[Obstacle]:
    key = wire.key_options(seen.heard.debug)
    if key is None:
        return []
    role = seen.hop.role
    limit = _LIST_OPTION[role]
    listed = authorized_keys.parse(seen.host_said.get("key", ""))
    unlisted = _unlisted(role, " ".join(listed.values(limit)), asked) if listed.values(limit) else []
    if limit in key.names and not listed.values(limit) and holds and not _config_obstacles(seen, holds, asked):
        unlisted = [str(each) for each in asked]  # the line can't be read; nothing else is left to forbid it
    if key.forwarding and not unlisted:
        return []
    line = ServerLine(
        host=seen.hop.host.value,
        file=_key_file(key, holds),
        line=key.line or None,
        keyword=limit if key.forwarding else listed.withholding or "port-forwarding",
        current=str(listed),
        change_to=advice.key_line(listed, role, unlisted),
        # sshd named the line; what it says is known only where the login can read it.
        certainty=Certainty.EXACT if listed.pairs else Certainty.KEYWORD,
    )
    return [(Why.KEY_LIST if key.forwarding else Why.KEY, line)]


def _key_file(key: KeyOptions, holds: Effective | None) -> str:
    program = holds.values.get("authorizedkeyscommand", "").split()[:1] if holds else []
    return f"the output of {key.file}" if [key.file] == program else key.file or CERTIFICATE


def _config_obstacles(seen: HopTrace, holds: Effective, asked: Sequence[Asked]) -> list[Obstacle]:
    role, host = seen.hop.role, seen.hop.host.value
    found: list[Obstacle] = []
    if holds.values.get("disableforwarding") == "yes":
        found.append((Why.DISABLED, advice.server_line(host, holds.deciding("DisableForwarding"), "no")))
    allow = holds.values["allowtcpforwarding"].lower()
    if allow not in ("yes", advice.NEEDED[role]):
        decides = holds.deciding("AllowTcpForwarding")
        found.append((Why.OFF, advice.server_line(host, decides, advice.allow_tcp_forwarding(allow, role))))
    keyword = _LIST[role]
    if unlisted := _unlisted(role, holds.values.get(keyword.lower(), "any"), asked):
        decides = holds.deciding(keyword)
        found.append((Why.LIST, advice.server_line(host, decides, advice.listing(decides.value, unlisted))))
    return found


def _by_the_wire(seen: HopTrace, asked: Sequence[Asked], key_lists: list[ServerLine]) -> Refusal:
    """What the wire alone proves."""
    role = seen.hop.role
    streamlocal, channels = wire.streamlocal_disabled(seen.asides), wire.opens_channels(seen.asides)
    left_out = wire.PERMIT_REFUSED in seen.heard.debug if role is Role.TARGET else channels
    if left_out:
        return _listed(seen, asked, key_lists)
    if channels:
        return Refusal(Why.OFF, (_keyword_line(seen, "AllowTcpForwarding", "yes"),))
    if streamlocal is False and role is Role.TARGET:
        return Refusal(Why.OFF, (_keyword_line(seen, "AllowTcpForwarding", advice.NEEDED[role]),))
    return Refusal(Why.UNDECIDED, candidates=candidates.of_sshd(seen, asked, streamlocal=streamlocal))


def _listed(seen: HopTrace, asked: Sequence[Asked], key_lists: list[ServerLine]) -> Refusal:
    """A list leaves `asked` out: the key's, or sshd_config's."""
    role = seen.hop.role
    key = wire.key_options(seen.heard.debug)
    if key_lists:
        return Refusal(Why.KEY_LIST, tuple(key_lists))
    if key and _LIST_OPTION[role] not in key.names:
        return Refusal(Why.LIST, (_keyword_line(seen, _LIST[role], " ".join(map(str, asked))),))
    # The key has a list of its own, or its options were not told; sshd_config may have one as well.
    at = f"{key.file}:{key.line}" if key and key.file else ""
    return Refusal(Why.UNDECIDED, candidates=candidates.of_lists(seen, asked, _LIST_OPTION[role], _LIST[role], at))


def _keyword_line(seen: HopTrace, keyword: str, value: str) -> ServerLine:
    return ServerLine(seen.hop.host.value, IN_SSHD_CONFIG, None, keyword, "", f"{keyword} {value}", Certainty.KEYWORD)


def _not_bound(seen: HopTrace, asked: Asked) -> Refusal:
    """Forwarding is allowed: the port itself could not be had."""
    if listeners.is_own_forward(seen.host_said):
        return Refusal(Why.OWN_FORWARD, holder=str(listeners.holder(seen.host_said)))
    if found := listeners.holder(seen.host_said):
        return Refusal(Why.PORT_TAKEN, holder=str(found))
    if 0 < asked.port < FIRST_UNPRIVILEGED_PORT and seen.hop.user.value != "root":
        return Refusal(Why.PRIVILEGED)
    other = seen.asides.get(Aside.OTHER_PORT)
    if other and other.granted:
        return Refusal(Why.PORT_TAKEN, candidates=(candidates.taken(asked),))
    return Refusal(Why.CANNOT_BIND, candidates=candidates.not_bound(seen, asked))
