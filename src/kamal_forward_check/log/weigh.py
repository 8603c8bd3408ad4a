"""What a log's symptoms come to: reasons before what follows from them, and without what the log rules out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kamal_forward_check.log.overheard import Overheard, Session
from kamal_forward_check.log.quote import quoted
from kamal_forward_check.log.read import Found, Quote, Reading
from kamal_forward_check.log.symptom import Cause, Key, Reply, Symptom, Where
from kamal_forward_check.log.symptoms import SYMPTOMS
from kamal_forward_check.model import Role
from kamal_forward_check.report.words import shown, some
from kamal_forward_check.sshd import permits, wire

REFUSED, JUMP_REFUSES = SYMPTOMS["forward-refused"], SYMPTOMS["jump-refuses"]
_LIST = {Where.TARGET: permits.OPTION[Role.TARGET], Where.JUMP: permits.OPTION[Role.JUMP]}


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A cause that the log excludes, and by what."""

    cause: Cause
    by: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One fault that the log shows. `hosts` have it, `stops` are the targets behind them.

    `sure` says that the log proves the first cause. `notes` are what has to be known besides, contradictions first.
    """

    symptom: Symptom
    title: str
    proves: str
    hosts: tuple[str, ...]
    which: bool
    """Whether the log says which of `hosts` it is."""
    stops: tuple[str, ...]
    causes: tuple[Cause, ...]
    ruled_out: tuple[RuledOut, ...]
    sure: bool
    first: Quote
    """The message, where it stands first."""
    quotes: tuple[Quote, ...]
    count: int
    words: Mapping[str, str]
    """The other words of the message: `user`, `port` ..."""
    notes: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """A host said no to the forward itself."""
        return self.symptom in (REFUSED, JUMP_REFUSES)


@dataclass(frozen=True, slots=True)
class _Wire:
    """What was overheard of the hosts that refused: sshd's replies, and what the key may do."""

    replies: dict[Reply, int]
    key: wire.KeyOptions | None
    key_at: int
    notes: tuple[str, ...] = ()


def weigh(reading: Reading) -> tuple[Explanation, ...]:
    """Every fault, those that stop a deploy first, each in the order in which the log has them."""
    found = dict(reading.found)
    _overheard_refusal(reading, found)
    reasons = [each for each in found.values() if not any(name in found for name in each.symptom.follows)]
    reasons.sort(key=lambda each: (not each.symptom.stops, each.first.line))
    return tuple(explained for each in reasons for explained in _explanations(each, reading, reasons))


def _explanations(found: Found, reading: Reading, reasons: Sequence[Found]) -> Iterable[Explanation]:
    """One, or several where the log proves different things of the hosts that it concerns."""
    hosts, which = _hosts(found, reading, reasons)
    alike: dict[object, list[str]] = {}
    if found.symptom is REFUSED:
        for host in hosts:
            heard = _heard(found.symptom, (host,), reading.overheard)
            alike.setdefault((*heard.replies, heard.key and heard.key.names), []).append(host)
    for same in alike.values() or [hosts]:
        yield _explained(found, reading, tuple(same), which=which)


def _overheard_refusal(reading: Reading, found: dict[str, Found]) -> None:
    """A refusal that only the conversation shows: a log that ends before Kamal's own message, or that of ssh -v."""
    refused = [session for session in reading.overheard.sessions if _refusal(session)]
    lines = [min(_refusal(session)) for session in refused] or [reading.overheard.refused]
    quotes = [reading.quotes.get(line, Quote(line, "")) for line in lines]
    if REFUSED.name not in found and lines[0]:
        found[REFUSED.name] = Found(REFUSED, quotes[0], count=1)
    if refusal := found.get(REFUSED.name):
        for session, quote in zip(refused, quotes, strict=False):
            if session.host:
                refusal.hosts.setdefault(session.host, quote)


def _refusal(session: Session) -> list[int]:
    """The lines at which sshd itself refused to listen."""
    return [session.texts[text] for text in (wire.FORWARDING_DISABLED, wire.PERMIT_REFUSED) if text in session.texts]


def _explained(found: Found, reading: Reading, hosts: tuple[str, ...], *, which: bool) -> Explanation:
    symptom = found.symptom
    heard = _heard(symptom, hosts, reading.overheard)
    kept, out = _narrowed(symptom, heard)
    proven = [cause for cause in kept if _proven(cause, symptom, heard, kept)]
    kept = (*proven, *(cause for cause in kept if cause not in proven))
    first = found.hosts[hosts[0]] if hosts and hosts[0] in found.hosts else found.first
    stops = tuple(reading.through) if symptom.where is Where.JUMP and which else ()
    words = {**found.words, "host": some_hosts(hosts, symptom.where, which=which)}
    return Explanation(
        symptom=symptom,
        title=_filled(symptom.title, words),
        proves=_filled(symptom.proves, words),
        hosts=hosts,
        which=which,
        stops=tuple(host for host in stops if host not in hosts),
        causes=kept,
        ruled_out=out,
        sure=bool(proven),
        first=first,
        quotes=_quotes(first, reading, _proofs(found, hosts, reading, heard)),
        count=found.count,
        words=found.words,
        notes=(*heard.notes, *_key_line(heard, kept), *_besides(symptom, hosts, reading)),
    )


def _hosts(found: Found, reading: Reading, reasons: Sequence[Found]) -> tuple[tuple[str, ...], bool]:
    """Whom it concerns, and whether the log says which of them. ssh's own words often name nobody."""
    if found.hosts:
        return tuple(found.hosts), True
    through = reading.through
    if found.symptom.where is Where.JUMP:
        jumps = tuple(dict.fromkeys(jump for jumps in through.values() for jump in jumps))
        return jumps, len(jumps) == 1
    if found.symptom.where is Where.TARGET and found.symptom.name.startswith("behind-"):
        alone = [each for each in reasons if each.symptom.where in (Where.JUMP, Where.TARGET)] == [found]
        return tuple(through), alone or len(through) == 1
    return (), True


def some_hosts(hosts: Sequence[str], where: Where, *, which: bool = True) -> str:
    """Hosts in words: `web-1`, `web-1 and web-2`, `one of web-1, web-2`, `the target` where none is known."""
    if not hosts:
        return where
    return some(hosts) if which else f"one of {', '.join(shown(hosts))}"


def _filled(text: str, words: dict[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    for name, default in (("user", "the user"), ("login", "the user"), ("word", "?"), ("port", "its port")):
        text = text.replace(f"{{{name}}}", default)
    return text


def _heard(symptom: Symptom, hosts: Sequence[str], overheard: Overheard) -> _Wire:
    """What the sessions of `hosts` were told; a session whose host the log does not name belongs to the only one."""
    named = {session.host for session in overheard.sessions if session.host}
    sessions = [
        session
        for session in overheard.sessions
        if session.texts and (session.host in hosts or (not session.host and not named - set(hosts)))
    ]
    if symptom is REFUSED:
        sessions = [session for session in sessions if _refusal(session)] or sessions
    told: dict[str, int] = {}
    for session in sessions:
        for text, line in session.texts.items():
            told.setdefault(text, line)
    keys = [(session, key) for session in sessions if (key := wire.key_options(session.texts))]
    key = keys[0][1] if keys and len({(key.forwarding, key.names) for _, key in keys}) == 1 else None
    at = next((line for session, _ in keys[:1] for text, line in session.texts.items() if "key options:" in text), 0)
    return _Wire(_replies(symptom, told, overheard), key, at, tuple(_contradictions(told, keys, key)))


def _replies(symptom: Symptom, told: dict[str, int], overheard: Overheard) -> dict[Reply, int]:
    if symptom is not REFUSED:
        return {}
    said = {Reply.DISABLED: wire.FORWARDING_DISABLED, Reply.UNLISTED: wire.PERMIT_REFUSED}
    replies = {reply: told[text] for reply, text in said.items() if text in told}
    if not replies and told and wire.may_listen(told) and overheard.refused and overheard.uncut:
        openssh = overheard.versions and all(map(wire.is_openssh, overheard.versions))
        return {Reply.NOTHING: overheard.refused} if openssh else {}
    return replies


def _contradictions(
    told: dict[str, int], keys: Sequence[tuple[Session, wire.KeyOptions]], key: wire.KeyOptions | None
) -> Iterable[str]:
    if keys and key is None:
        yield "The log has several logins whose keys may do different things: the key is left undecided."
    if wire.FORWARDING_DISABLED in told and wire.PERMIT_REFUSED in told:
        first, second = told[wire.FORWARDING_DISABLED], told[wire.PERMIT_REFUSED]
        yield f"Lines {first} and {second} contradict each other: several tries, or several hosts. Both are kept."
    if key and not key.forwarding and wire.PERMIT_REFUSED in told:
        yield "The key's options name no port-forwarding, and sshd refused as if they did: two logins in one."


def _key_line(heard: _Wire, causes: Sequence[Cause]) -> Iterable[str]:
    if heard.key and heard.key.file and causes and causes[0].key:
        yield f"The key's line is {quoted(heard.key.file)}:{heard.key.line}."


def _besides(symptom: Symptom, hosts: Sequence[str], reading: Reading) -> Iterable[str]:
    if symptom is not REFUSED:
        return
    if hosts and reading.overheard.through.issuperset(hosts):
        yield "The connection went through the proxy: the jumps are fine. It is the target's own sshd that refuses."
    if reading.overheard.granted:
        line = reading.overheard.granted
        yield f"Line {line} shows a forward that was granted: not every host, or not every try, is refused."


def _narrowed(symptom: Symptom, heard: _Wire) -> tuple[tuple[Cause, ...], tuple[RuledOut, ...]]:
    """The causes that are left, and those that the log rules out."""
    kept, out = [], []
    for cause in symptom.causes:
        by = _excluded(cause, symptom, heard)
        if by:
            out.append(RuledOut(cause, by))
        else:
            kept.append(cause)
    return tuple(kept), tuple(out)


def _excluded(cause: Cause, symptom: Symptom, heard: _Wire) -> str:
    if cause.reply and heard.replies and cause.reply not in heard.replies:
        first, line = next(iter(heard.replies.items()))
        said = {
            Reply.DISABLED: f"sshd said {wire.FORWARDING_DISABLED!r} (line {line})",
            Reply.UNLISTED: f"sshd said {wire.PERMIT_REFUSED!r} (line {line}): forwarding itself is on",
            Reply.NOTHING: "sshd refused without a word: what forbids a forward speaks",
        }
        return said[first]
    if heard.key is None:
        return ""
    if cause.key is Key.WITHHOLDS and heard.key.forwarding:
        return f"the key's options name port-forwarding (line {heard.key_at})"
    if cause.key is Key.LISTS and _LIST.get(symptom.where, "") not in heard.key.names:
        return f"the key's options name no {_LIST[symptom.where]} (line {heard.key_at})"
    return ""


def _proven(cause: Cause, symptom: Symptom, heard: _Wire, kept: Sequence[Cause]) -> bool:
    """The log proves it: the key takes forwarding away, or nothing else is left of what sshd's word allows."""
    if symptom not in (REFUSED, JUMP_REFUSES):
        return len(kept) == 1 and bool(cause.code)
    if cause.key is Key.WITHHOLDS and heard.key and not heard.key.forwarding:
        return Reply.UNLISTED not in heard.replies
    return len(kept) == 1 and len(heard.replies) == 1


def _proofs(found: Found, hosts: Sequence[str], reading: Reading, heard: _Wire) -> Iterable[int]:
    """The lines of the conversation that narrow a refusal down."""
    if found.symptom not in (REFUSED, JUMP_REFUSES):
        return
    yield from (heard.key_at, *heard.replies.values())
    yield from (session.login for session in reading.overheard.sessions if session.host in hosts)
    if len(found.hosts) <= 1:
        yield reading.overheard.refused


def _quotes(first: Quote, reading: Reading, lines: Iterable[int]) -> tuple[Quote, ...]:
    chosen = {line: quote for line in lines if (quote := reading.quotes.get(line))}
    chosen[first.line] = first
    return tuple(chosen[line] for line in sorted(chosen))
