"""Explanations for a terminal: what is wrong, the one thing to do, then what proves it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from kamal_forward_check.log.symptom import CHECK
from kamal_forward_check.log.weigh import Explanation, some_hosts
from kamal_forward_check.report.clean import no_command, one_line
from kamal_forward_check.report.page import Page
from kamal_forward_check.report.paint import Paint
from kamal_forward_check.report.words import count

_CHECKS = {
    True: "It asks {host} for the very forward that Kamal asks for, has it say why, and names the line to change.",
    False: "It goes Kamal's way hop by hop, and says where it ends, why, and what to change.",
}


def settle(found: Explanation, destination: str) -> str:
    """The command that settles it, with what the log says filled in."""
    command = found.symptom.settle
    if command == CHECK:
        return command + (f" --destination {shlex.quote(destination)}" if destination else "")
    if len(found.hosts) == 1:
        command = re.sub(r"\bHOST\b", shlex.quote(found.hosts[0]), command)
    for word, value in found.words.items():
        command = re.sub(rf"\b{word.upper()}\b", shlex.quote(value), command) if word in ("user", "port") else command
    return command


def render(
    found: Sequence[Explanation], *, name: str, lines: int, destination: str = "", color: bool = False, width: int = 100
) -> str:
    """What the log `name` of so many `lines` comes to."""
    page = _Page(Paint(color), width)
    text = page.explained(found, name, lines, destination) if found else page.unknown(name, lines)
    return "\n".join(no_command(line.rstrip()) for line in text) + "\n"


class _Page(Page):
    def explained(self, found: Sequence[Explanation], name: str, lines: int, destination: str) -> Iterator[str]:
        for each in found:
            yield from self._explanation(each, name, destination)
            yield ""
        faults = f"{count(len(found), 'thing')} explained"
        yield self._paint("dim", f"{faults} · {one_line(name)}, {count(lines, 'line')}")

    def unknown(self, name: str, lines: int) -> Iterator[str]:
        if not lines:
            yield from self._wrapped(f"? {one_line(name)} is empty", style="warn")
            yield "  Kamal writes its errors to standard error: kamal deploy 2>&1 | kamal-forward-check explain -"
            return
        what = f"? no message that is known here, in {count(lines, 'line')} of {one_line(name)}"
        yield from self._wrapped(what, style="warn")
        yield ""
        yield f"  Next: {CHECK}"
        yield from self._wrapped(_CHECKS[False], indent=2)
        yield ""
        yield "  For a log that says more:"
        yield "    all of Kamal's words:     kamal deploy 2>&1 | kamal-forward-check explain -"
        yield "    the SSH conversation:     log_level: debug under ssh: in deploy.yml"
        yield "    the same, by hand:        ssh -v -R 127.0.0.1:5555:localhost:5555 USER@HOST true 2>&1"

    def _explanation(self, found: Explanation, name: str, destination: str) -> Iterator[str]:
        mark, style = ("✗ ", "bad") if found.symptom.stops else ("! ", "warn")
        yield from self._wrapped(mark + found.title, hang=2, style=style)
        times = f" and {found.count - 1} more" if found.count > 1 else ""
        place = f"{one_line(name)}:{found.first.line}{times} · while {found.symptom.step}"
        yield from self._wrapped(place, indent=2, style="dim")
        if found.stops:
            yield from self._wrapped(f"stops {some_hosts(found.stops, found.symptom.where)}", indent=2)
        yield ""
        yield self._paint("bold", f"  Next: {settle(found, destination)}")
        if found.symptom.settle == CHECK:
            host = some_hosts(found.hosts, found.symptom.where, which=found.which)
            yield from self._wrapped(_CHECKS[found.refused].format(host=host), indent=2)
        yield ""
        yield from self._wrapped(found.proves, indent=2)
        digits = len(str(found.quotes[-1].line))
        for quote in found.quotes:
            yield f"    {quote.line:>{digits}} │ {quote.text}"
        for note in found.notes:
            yield from self._wrapped(note, indent=2)
        yield ""
        yield from self._causes(found)
        yield from self._ruled_out(found)

    def _causes(self, found: Explanation) -> Iterator[str]:
        first, *others = found.causes
        if found.sure or not others:
            yield from self._wrapped(f"→ {_labelled(first.code)}{first.why}", indent=2, hang=2)
            if others:
                yield "  What the same reply fits as well, once that is changed:"
        else:
            yield "  What fits, the likeliest first:"
            others = [first, *others]
        for number, cause in enumerate(others, 1):
            yield from self._wrapped(f"{number}. {_labelled(cause.code)}{cause.why}", indent=4, hang=3)
        if codes := list(dict.fromkeys(cause.code for cause in found.causes if cause.code)):
            shown = " ".join(codes[:3])
            yield self._paint("dim", f"  {'Their pages' if len(codes) > 1 else 'Its page'}: "
                                     f"kamal-forward-check explain {shown}")  # fmt: skip

    def _ruled_out(self, found: Explanation) -> Iterator[str]:
        reasons: dict[str, list[str]] = {}
        for each in found.ruled_out:
            reasons.setdefault(each.by, []).append(each.cause.code)
        if reasons:
            yield "  Ruled out by the log:"
        for by, codes in reasons.items():
            yield from self._wrapped(f"{', '.join(codes)}: {by}", indent=4, hang=2)


def _labelled(code: str) -> str:
    return f"{code}  " if code else ""
