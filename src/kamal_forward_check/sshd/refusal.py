"""Why a hop refused: the wire's words, the key's options and the host's own answers, weighed.

Of several obstacles that hold at once, the one that the wire's words speak of comes first; all are named,
for all must change. Where nothing the host says explains the refusal, that is said, and not guessed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kamal_forward_check.model import Certainty, HopTrace, Role, ServerLine
from kamal_forward_check.sshd import (
    advice,
    authorized_keys,
    candidates,
    effective,
    machine,
    permits,
    unbound,
    wire,
)
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.effective import Effective
from kamal_forward_check.sshd.why import Refusal, Why
from kamal_forward_check.sshd.wire import KeyOptions

CERTIFICATE = "the certificate"
"""Stands for a file where a certificate says what its key may do."""
IN_SSHD_CONFIG = "sshd_config"
"""Stands for a file where the wire proves the keyword, and nobody named the file."""
OWN_KEYS = "~/.ssh/authorized_keys"
"""Stands for a file where sshd says that the key's line forbids, and not where it is."""

_EXPIRED = "password has expired"

Obstacle = tuple[Why, ServerLine]


def explain(seen: HopTrace, asked: Sequence[Asked]) -> Refusal:
    """Why `seen` refused all of `asked`: one listen of a target, or a jump's connections to the next hops."""
    role = seen.hop.role
    if not wire.is_openssh(seen.heard.version) and not seen.heard.debug:
        return unbound.of_another_server(seen, asked)
    if role is Role.TARGET and wire.may_listen(seen.heard.debug):
        return unbound.explain(seen, asked[0])
    if is_expired(seen.not_asked):
        return Refusal(Why.EXPIRED)
    holds = effective.read(seen.host_said)
    obstacles = _key_obstacles(seen, holds, asked)
    if holds:
        obstacles += _config_obstacles(seen, holds, asked)
        spoken = _spoken_of(seen)
        if first := [why for why, _ in obstacles if why in spoken]:
            lines = tuple(line for _, line in sorted(obstacles, key=lambda obstacle: obstacle[0] is not first[0]))
            unsure = candidates.unsure(seen, holds, lines)
            whys = {why for why, _ in obstacles}
            return Refusal(first[0], lines, unsure, remarks=tuple(_remarks(seen, holds, asked, whys)))
        if not holds.doubt:
            return _not_on_disk(seen, holds, tuple(line for _, line in obstacles))
    if obstacles and obstacles[0][0] in (Why.KEY, Why.ROOT_LOCK):
        return Refusal(obstacles[0][0], tuple(line for _, line in obstacles), remarks=tuple(_twins(seen, asked)))
    return _by_the_wire(seen, asked, [line for why, line in obstacles if why is Why.KEY_LIST])


def is_expired(not_asked: str) -> bool:
    """The host ran no command because the user's password has expired: sshd's own words (session.c)."""
    return _EXPIRED in not_asked


def _spoken_of(seen: HopTrace) -> tuple[Why, ...]:
    if seen.hop.role is Role.TARGET and wire.PERMIT_REFUSED in seen.heard.debug:
        return Why.KEY_LIST, Why.LIST
    if seen.hop.role is Role.TARGET:
        return Why.KEY, Why.ROOT_LOCK, Why.DISABLED, Why.OFF
    return Why.KEY, Why.ROOT_LOCK, Why.DISABLED, Why.OFF, Why.KEY_LIST, Why.LIST


def _edited(seen: HopTrace) -> Iterator[str]:
    said = machine.read(seen.host_said)
    yield from (
        f"{file} is newer than {said.loaded}, which sshd writes when it reads its files." for file in said.edited
    )


def _not_on_disk(seen: HopTrace, holds: Effective, others: tuple[ServerLine, ...]) -> Refusal:
    """The files do not say what sshd goes by: proven not reloaded where one of them is newer than sshd's last look.

    `others` are lines that forbid it as well, in another way than the running sshd.
    """
    edited = [*_edited(seen)]
    running = wire.version_name(seen.heard.version)
    on_disk = holds.version.replace("_", " ", 1)
    if on_disk and not running.startswith(on_disk):
        edited.append(f"The host's sshd program is {on_disk}, and the one that runs is {running}.")
    unsure = () if machine.read(seen.host_said).edited else candidates.not_on_disk(seen)
    return Refusal(Why.NOT_ON_DISK, others, unsure, remarks=tuple(edited))


def _unlisted(role: Role, values: str, asked: Sequence[Asked]) -> list[Asked]:
    """What of `asked` a list of PermitListen (target) or PermitOpen (jump) leaves out."""
    allowed = permits.listen_allowed if role is Role.TARGET else permits.open_allowed
    return [each for each in asked if not allowed(values, each.host, each.port)]


def _key_obstacles(seen: HopTrace, holds: Effective | None, asked: Sequence[Asked]) -> list[Obstacle]:
    key = wire.key_options(seen.heard.debug)
    if key is None:
        return []
    role = seen.hop.role
    limit = permits.OPTION[role]
    listed = authorized_keys.parse(seen.host_said.get("key", ""))
    unlisted = _unlisted(role, " ".join(listed.values(limit)), asked) if listed.values(limit) else []
    if limit in key.names and not listed.values(limit) and holds and not _config_obstacles(seen, holds, asked):
        unlisted = list(asked)  # the line can't be read; nothing else is left to forbid it
    if key.forwarding and not unlisted:
        return []
    shown = authorized_keys.Options(()) if key.of_certificate else listed
    line = ServerLine(
        host=seen.hop.host.value,
        file=_key_file(key, holds),
        line=key.line or None,
        keyword=limit if key.forwarding else shown.withholding or "port-forwarding",
        current=str(shown),
        change_to=advice.key_line(shown, role, map(str, unlisted)),
        # sshd named the line; what it says is known only where the login can read it.
        certainty=Certainty.EXACT if shown.pairs else Certainty.KEYWORD,
    )
    if key.forwarding:
        return [(Why.KEY_LIST, line)]
    return [(Why.ROOT_LOCK if key.command and seen.hop.user.value == "root" else Why.KEY, line)]


def _key_file(key: KeyOptions, holds: Effective | None) -> str:
    program = holds.values.get("authorizedkeyscommand", "") if holds else ""
    # sshd names a program by its whole command line, of which no file's name has the tokens (sshd_config(5), TOKENS).
    if "%" in key.file or (program and key.file in (program, program.split()[0])):
        return f"the output of {key.file}"
    return CERTIFICATE if key.of_certificate else key.file or OWN_KEYS


def _config_obstacles(seen: HopTrace, holds: Effective, asked: Sequence[Asked]) -> list[Obstacle]:
    role, host = seen.hop.role, seen.hop.host.value
    found: list[Obstacle] = []
    if holds.values.get("disableforwarding") == "yes":
        found.append((Why.DISABLED, advice.server_line(host, holds.deciding("DisableForwarding"), "no")))
    allow = holds.values["allowtcpforwarding"].lower()
    if allow not in ("yes", advice.NEEDED[role]):
        decides = holds.deciding("AllowTcpForwarding")
        found.append((Why.OFF, advice.server_line(host, decides, advice.allow_tcp_forwarding(allow, role))))
    keyword = permits.KEYWORD[role]
    if unlisted := _unlisted(role, holds.values.get(keyword.lower(), "any"), asked):
        decides = holds.deciding(keyword)
        found.append((Why.LIST, advice.server_line(host, decides, advice.listing(decides.value, map(str, unlisted)))))
    return found


_KEYWORD = {Why.DISABLED: "DisableForwarding", Why.OFF: "AllowTcpForwarding"}


def _remarks(seen: HopTrace, holds: Effective, asked: Sequence[Asked], whys: set[Why]) -> Iterator[str]:
    """What people try, and why it does not help here."""
    role = seen.hop.role
    of_list = permits.listen_remarks if role is Role.TARGET else permits.open_remarks
    for why in Why:
        if why not in whys:
            continue
        keyword = permits.KEYWORD[role] if why is Why.LIST else _KEYWORD.get(why)
        if why is Why.DISABLED and Why.OFF not in whys and holds.deciding("AllowTcpForwarding").line:
            yield "AllowTcpForwarding yes is no help: DisableForwarding beats it."
        if why is Why.KEY_LIST:
            key = authorized_keys.parse(seen.host_said.get("key", ""))
            yield from of_list(" ".join(key.values(permits.OPTION[role])), asked[0].host, asked[0].port)
        if why is Why.LIST:
            unlisted = _unlisted(role, holds.values.get(permits.OPTION[role], "any"), asked)
            yield from of_list(holds.values.get(permits.OPTION[role], ""), unlisted[0].host, unlisted[0].port)
        if keyword:
            yield from _in_vain(role, keyword, holds, asked)
    if whys & {Why.KEY, Why.KEY_LIST}:
        yield from _twins(seen, asked)
    if whys - {Why.KEY, Why.ROOT_LOCK, Why.KEY_LIST}:
        yield from _edited(seen)


def _in_vain(role: Role, keyword: str, holds: Effective, asked: Sequence[Asked]) -> Iterator[str]:
    """The lines of `keyword` that would allow it, and do not count."""
    for line in holds.passed_over(keyword):
        value = line.value.lower()
        allows = {
            "DisableForwarding": value == "no",
            "AllowTcpForwarding": value in ("yes", "all", advice.NEEDED[role]),
        }.get(keyword)
        if allows if allows is not None else not _unlisted(role, line.value, asked):
            first = "a Match block that applies goes first" if holds.of_match(keyword) else "only the first counts"
            yield f"{line.file}:{line.line} says {line.text.strip()!r} in vain: {first}."


def _twins(seen: HopTrace, asked: Sequence[Asked]) -> Iterator[str]:
    """Lines of authorized_keys with the same key that would allow it, and do not count."""
    key, option = wire.key_options(seen.heard.debug), permits.OPTION[seen.hop.role]
    for number, options in authorized_keys.same_key(seen.host_said.get("same key", "")):
        listed = options.values(option)
        if key and not options.withholding and not options.conditional and not (
            listed and _unlisted(seen.hop.role, " ".join(listed), asked)
        ):  # fmt: skip
            yield f"{key.file}:{number} has the same key and would allow it, in vain: the first line with a key counts."


def _by_the_wire(seen: HopTrace, asked: Sequence[Asked], key_lists: list[ServerLine]) -> Refusal:
    """What the wire alone proves."""
    role = seen.hop.role
    streamlocal, channels = wire.streamlocal_disabled(seen.asides, seen.heard.version), wire.opens_channels(seen.asides)
    left_out = wire.PERMIT_REFUSED in seen.heard.debug if role is Role.TARGET else channels
    if left_out:
        return _listed(seen, asked, key_lists)
    if role is Role.TARGET and not unbound.is_privileged(seen, asked[0]):
        if channels:
            return Refusal(Why.OFF, (_keyword_line(seen, "AllowTcpForwarding", "yes"),))
        if streamlocal is False:
            return Refusal(Why.OFF, (_keyword_line(seen, "AllowTcpForwarding", advice.NEEDED[role]),))
    return Refusal(Why.UNDECIDED, candidates=candidates.of_sshd(seen, asked, streamlocal=streamlocal))


def _listed(seen: HopTrace, asked: Sequence[Asked], key_lists: list[ServerLine]) -> Refusal:
    """A list leaves `asked` out: the key's, or sshd_config's."""
    role = seen.hop.role
    key = wire.key_options(seen.heard.debug)
    if key_lists:
        return Refusal(Why.KEY_LIST, tuple(key_lists))
    if key and permits.OPTION[role] not in key.names and not wire.is_old(seen.heard.version):
        return Refusal(Why.LIST, (_keyword_line(seen, permits.KEYWORD[role], " ".join(map(str, asked))),))
    # The key has a list of its own, or its options were not told; sshd_config may have one as well.
    return Refusal(Why.UNDECIDED, candidates=candidates.of_lists(seen, asked, key))


def _keyword_line(seen: HopTrace, keyword: str, value: str) -> ServerLine:
    return ServerLine(seen.hop.host.value, IN_SSHD_CONFIG, None, keyword, "", f"{keyword} {value}", Certainty.KEYWORD)
