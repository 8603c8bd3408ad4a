"""What the rules for a refused forward share: the hit for a stop, its evidence, its fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kamal_forward_check.model import Certainty, Fix, HopTrace, Role, ServerLine, Stage, Way
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import Hit
from kamal_forward_check.rules.stops import Refused
from kamal_forward_check.sshd import advice, candidates, listeners, permits, ways, wire
from kamal_forward_check.sshd.refusal import CERTIFICATE, IN_SSHD_CONFIG, OWN_KEYS
from kamal_forward_check.sshd.why import Why


def refused(facts: Facts, role: Role, *whys: Why) -> Iterator[Refused]:
    """The stops at which a hop of `role` refused the forward for one of `whys`."""
    yield from (r for r in facts.refused if r.stop.seen.hop.role is role and r.refusal.why in whys)


def line_hit(found: Refused) -> Hit:
    """The hit for a refusal that lines decide."""
    lines, seen = found.refusal.lines, found.stop.seen
    first, fix = lines[0], line_fix(seen, lines)
    besides = tuple(_besides(found))
    return Hit(
        message=message(found),
        hop=seen.hop,
        affects=found.affects,
        location=seen.hop.origin,
        server_line=first,
        candidates=found.refusal.candidates,
        fix=replace(
            fix,
            summary=" ".join((fix.summary, *besides)),
            besides=(*fix.besides, *besides),
            undone_by=ways.undone_by(lines),
            ways=tuple(_ways(found, lines)),
        ),
        why=_why(found),
        evidence=evidence(found),
        same=(besides, *((line.file, line.line, line.keyword, line.current, line.change_to) for line in lines)),
        hops=tuple(other.stop.seen.hop for other in found.as_target),
    )


def _besides(found: Refused) -> Iterator[str]:
    """What a target that forbids the listen could not grant either."""
    host, port = found.stop.seen.hop.host, found.asked[0].port
    held = listeners.holder(found.stop.seen.host_said) if found.stop.seen.hop.role is Role.TARGET else None
    if held:
        yield f"Free port {port} on {host} as well: {held} holds it."


def line_fix(seen: HopTrace, lines: tuple[ServerLine, ...]) -> Fix:
    """How to change the lines that are known; where only the keyword is, how to find its line."""
    known = [line for line in lines if line.certainty is Certainty.EXACT]
    of_sshd = tuple(line for line in known if not advice.is_of_key(seen, line))
    unseen = (line for line in lines if line.certainty is Certainty.KEYWORD and line.file == IN_SSHD_CONFIG)
    return Fix(
        _summary(lines),
        tuple(advice.change(line, of_key=line not in of_sshd) for line in known),
        (*advice.commands(of_sshd, seen.host_said), *(candidates.locate(seen, line.keyword) for line in unseen)),
        (advice.daemon(seen),) if of_sshd else (),
        tuple(_one(line) for line in lines if line not in known) if known else (),
    )


def _ways(found: Refused, lines: tuple[ServerLine, ...] = ()) -> Iterator[Way]:
    """What can be done instead. A remote registry needs no forward, but Kamal still needs the jumps."""
    if narrow := ways.scoped(found.stop.seen, lines, found.roles, found.asked):
        yield narrow
    if found.registry and found.stop.seen.hop.role is Role.TARGET:
        yield ways.remote_registry(found.registry)


def reload_hit(found: Refused, summary: str) -> Hit:
    """The hit for a refusal by an sshd that has not read its files as they are now.

    Lines that forbid it in another way change together with the reload, where it is sure that these files count.
    """
    seen, lines = found.stop.seen, found.refusal.lines
    if not lines:
        why = "Its files allow the forward; the running sshd does not."
    else:
        why = "The running sshd forbids it in a way that its files do not; they forbid it in another."
    fix = line_fix(seen, lines) if lines and not found.refusal.candidates else Fix("")
    return replace(
        open_hit(found, summary, why=why),
        fix=replace(
            fix,
            summary=f"{fix.summary} {summary}".lstrip(),
            daemons=(advice.daemon(seen),),
            ways=tuple(_ways(found)),
        ),
    )


def open_hit(found: Refused, summary: str, *, why: str = "", commands: tuple[str, ...] = ()) -> Hit:
    """The hit for a refusal that no line decides."""
    seen = found.stop.seen
    return Hit(
        message=message(found),
        hop=seen.hop,
        affects=found.stop.affects,
        location=seen.hop.origin,
        candidates=found.refusal.candidates,
        fix=Fix(summary, commands=commands, ways=tuple(_ways(found))),
        why=_why(found, why),
        evidence=evidence(found),
        same=(summary, found.refusal.candidates, found.refusal.holder),
    )


def root_lock_hit(found: Refused, summary: str) -> Hit:
    """The hit for root's key as a cloud image leaves it. What is to change is the user, so that is the place."""
    hop = found.stop.seen.hop
    hit = open_hit(
        found,
        f"{summary}; leave root's line as it is.",
        why="root's key runs a command of its own and may not forward: the lock of a cloud image.",
    )
    return replace(hit, location=hop.user.at or hop.origin)


def expired_hit(found: Refused) -> Hit:
    """The hit for a login whose password has expired."""
    hop = found.stop.seen.hop
    return open_hit(
        found,
        f"Set a new password for {hop.user} on {hop.host}, or let it never expire.",
        why=f"The password of {hop.user} has expired: PAM withholds all forwards until it is changed.",
        commands=(f"sudo chage -l {hop.user}", f"sudo passwd {hop.user}"),
    )


def message(found: Refused) -> str:
    """What the hop refused, in one sentence."""
    host = found.stop.seen.hop.host
    if found.stop.seen.hop.role is Role.TARGET:
        return f"{host} refuses the listen on {found.asked[0]}"
    more = len(found.asked) - 1
    listens = [f"the listen on {asked}" for other in found.as_target for asked in other.asked]
    return " and ".join(
        (f"the jump {host} refuses to forward to {found.asked[0]}", *([f"{more} more"] if more else []), *listens)
    )


def evidence(found: Refused) -> tuple[str, ...]:
    """What was asked, and what was heard."""
    seen = found.stop.seen
    said = []
    if seen.hop.role is Role.TARGET:
        said.append(f"asked for tcpip-forward {found.asked[0]}: REQUEST_FAILURE")
    else:
        said.append(f'asked for direct-tcpip {found.asked[0]}: refused ("{found.stop.observation.detail}")')
    said += [f"the server said: {text}" for text in seen.heard.debug]
    said += [
        f"{aside}: " + ("granted" if answer.granted else f"refused {answer.code or ''}".strip())
        for aside, answer in seen.asides.items()
    ]
    if seen.heard.version:
        said.append(f"the server is {seen.heard.version}")
    if seen.host_said:
        user = seen.hop.user
        said += [
            f"its own sshd -T -ddd, for {user}, named {line.file}" + (f":{line.line}" if line.line else "")
            for line in found.refusal.lines
            if line.certainty is Certainty.EXACT and not advice.is_of_key(seen, line)
        ]
    if seen.not_asked:
        said.append(seen.not_asked)
    return tuple(said)


def _why(found: Refused, why: str = "") -> str:
    return " ".join(text for text in (_fine(found), why, *found.refusal.remarks) if text)


def _fine(found: Refused) -> str:
    """What is not the reason: the two things that people check first."""
    seen = found.stop.seen
    key = wire.key_options(seen.heard.debug)
    login = seen.at(Stage.LOGIN)
    # sshd tells of a key's lists only where AllowTcpForwarding lets them count (auth.c): the line may show one.
    of_key = any(advice.is_of_key(seen, line) for line in found.refusal.lines)
    if key and key.file and key.forwarding and not of_key and not key.names & set(permits.OPTION.values()):
        return "Login is fine, and authorized_keys allows forwarding."
    return "Login is fine." if login and login.cause is None else ""


def _summary(lines: tuple[ServerLine, ...]) -> str:
    words = [_one(line) for line in lines]
    return ("Change " if len(words) == 1 else "Change together: ") + "; ".join(words) + "."


def _one(line: ServerLine) -> str:
    place = f"{line.file}:{line.line}" if line.line else line.file
    if line.file == CERTIFICATE:
        return f"the certificate: sign it anew, with -O permit-port-forwarding for {line.host}"
    if line.certainty is Certainty.KEYWORD and line.line and line.change_to:
        return f"{place} on {line.host}: add {line.change_to}"
    if line.certainty is Certainty.KEYWORD and (line.line or line.file == OWN_KEYS):
        return f"{place} on {line.host}: take no-port-forwarding out, or write restrict,port-forwarding"
    if line.certainty is Certainty.KEYWORD:
        return f"{line.keyword} of sshd_config on {line.host} to {line.change_to!r}"
    if line.certainty is Certainty.CANDIDATES:
        return f"{line.keyword} on {line.host} to {line.change_to.strip()!r}; {place} sets it, if no other line does"
    if not line.current:
        return f"{place} on {line.host}: add {line.change_to!r} as its first line"
    return f"{place} on {line.host} from {line.current.strip()!r} to {line.change_to.strip()!r}"
