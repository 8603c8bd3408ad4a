"""ERB template -> the text that YAML reads, with the way back to the file. No code of the file is run.

erblite interprets the harmless part of Ruby. A tag that it refuses (a shell command, `require`, Rails) becomes
a stand-in that fits any type, and so does a value that an unset or withheld variable would give.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from kamal_forward_check.deploy.bounded import BYTES, SECONDS, in_child
from kamal_forward_check.deploy.document import MAX_BYTES
from kamal_forward_check.deploy.kamal_version import described
from kamal_forward_check.deploy.source import Piece, Source, StandIn
from kamal_forward_check.deploy.template import Kind, Part, parts
from kamal_forward_check.model import KamalVersion, Problem, ProblemKind, Severity, Span

MAX_STEPS = 100_000
MAX_TRIES = 60
_TRIM_MODE_SINCE = (2, 11)
_NAME = "eNV"
"""`ENV` for erblite, which knows no constants: a legal local name of the same width."""

_WITHHELD = re.compile(r"INPUT_|ACTIONS_|.*(?:TOKEN|KEY|SECRET|PASSWORD)", re.IGNORECASE)
"""A template could print these into a host name, so it never sees them."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text, or None where it can't be had, and what is wrong. `guessed`: a branch was taken unseen."""

    source: Source | None
    problems: list[Problem]
    guessed: bool = False


def render(file: str, text: str, environ: Mapping[str, str], kamal: KamalVersion) -> Rendered:
    """Render `text`, the contents of `file`, with the variables of `environ`. Never raises.

    The interpreter counts its steps, but a step may copy megabytes, or match for hours.
    """
    rendered = in_child(lambda: _Template(file, text, environ, kamal).render())
    if rendered is None:
        message = f"can't be judged: its ERB takes more than {SECONDS} seconds, or {BYTES // 1024**2} MB of memory"
        problem = Problem(ProblemKind.OPAQUE, Severity.WARNING, message, Span(file, 1))
        return Rendered(None, [problem])
    return rendered


class _GaveUp(Exception):  # noqa: N818 - not an error of the program
    pass


class _Template:
    def __init__(self, file: str, text: str, environ: Mapping[str, str], kamal: KamalVersion) -> None:
        self.plain = Source.plain(file, text)
        self.kamal = kamal
        self.parts = list(parts(text))
        self.tags = {part.start: part for part in self.parts if part.kind in (Kind.OUTPUT, Kind.CODE)}
        self.environ = {name: value for name, value in environ.items() if not _WITHHELD.match(name)}
        self.withheld = environ.keys() - self.environ.keys()
        free = _unused(text, self.environ)
        self.text_mark, self.output_mark, self.end_mark = islice(free, 3)
        self.stand_ins: dict[str, StandIn] = {}
        self.by_why: dict[StandIn, str] = {}
        self.free = free
        self.refused: dict[int, str] = {}
        """Tags that are not run, by their offset, and what the interpreter said."""
        self.assumed: set[str] = set()
        """Missing variables without which the template does not run: they have stand-ins from the start."""

    def render(self) -> Rendered:
        problems = [*self._trim_marks(), *self._unclosed()]
        try:
            marked = self._run()
        except _GaveUp as gave_up:
            message = f"can't be judged: its ERB can't be followed here ({gave_up})"
            return Rendered(None, [*problems, Problem(ProblemKind.OPAQUE, Severity.WARNING, message, self._span(0, 0))])
        source = self._unmarked(self._with_stand_ins(marked))
        guessed = any(self.tags[offset].neutral for offset in self.refused)
        return Rendered(source, [*problems, *self._refusals(), *self._unset(source)], guessed)

    def _run(self) -> str:
        """The marked text, after as many tries as there are tags to leave out or variables to assume."""
        for _ in range(MAX_TRIES):
            template, lines = self._composed()
            try:
                marked = _interpreted(template, self.environ | {name: self._missing(name) for name in self.assumed})
            except _Refusal as refusal:
                tag = lines.get(refusal.line)
                if tag is None or tag.start in self.refused or refusal.final:
                    raise _GaveUp(refusal.message) from None
                if wanted := self._absent(tag) - self.assumed:
                    self.assumed |= wanted | self._wanted_by_name()
                else:
                    self.refused[tag.start] = refusal.message
            else:
                if len(marked) > 2 * MAX_BYTES:
                    raise _GaveUp("it prints more than 1 MB")
                return marked
        raise _GaveUp("too much of it needs Ruby")

    def _wanted_by_name(self) -> set[str]:
        """The missing variables that are printed as they are, and that no other tag looks at: a try for each is one."""
        printed = {name: tag for tag in self.tags.values() if (name := tag.fetched)}
        looked_at = [tag.variables for tag in self.tags.values() if not tag.fetched]
        return printed.keys() - self.environ.keys() - set().union(*looked_at)

    def _composed(self) -> tuple[str, dict[int, Part]]:
        """The template for the interpreter, and which tag stands on which of its lines.

        Every tag begins a line of its own, by a comment tag with a line break in it, which prints nothing.
        """
        composed: list[str] = []
        lines: dict[int, Part] = {}
        line = 1
        for part in self.parts:
            piece = self._piece(part)
            if part.start in self.tags:
                piece = f"<%#\n%>{piece}"
                lines |= dict.fromkeys(range(line + 1, line + piece.count("\n") + 1), part)
            composed.append(piece)
            line += piece.count("\n")
        return "".join(composed), lines

    def _piece(self, part: Part) -> str:
        if part.kind is Kind.TEXT:
            return f"{self.text_mark}{part.start}{self.end_mark}{part.text}"
        if part.kind is Kind.UNCLOSED:
            return f"{self.text_mark}{part.start}{self.end_mark}{part.text.replace('<%', '<%%')}"
        blank = any(not self.environ.get(name, "set").strip() for name in part.variables)
        code = part.renamed(_NAME, drop_presence=not blank)
        if part.start in self.refused:
            code = self._stand_in(self._needs_ruby(part)) if part.kind is Kind.OUTPUT else part.neutral
        return f"{self.output_mark}{part.start}{self.end_mark}{code}" if part.kind is Kind.OUTPUT else code

    def _absent(self, part: Part) -> set[str]:
        return {name for name in part.variables if name not in self.environ}

    def _with_stand_ins(self, marked: str) -> str:
        """`marked`, where what a tag printed for want of a variable is a stand-in.

        Rendered once more with stand-ins for all that is missing: a tag whose output is then the same but for
        the stand-in printed the missing value itself. One that has a default prints something else.
        """
        missing = set().union(*map(self._absent, self.tags.values())) - self.assumed
        if not missing:
            return marked
        template, _ = self._composed()
        try:
            other = _interpreted(
                template, self.environ | {name: self._missing(name) for name in missing | self.assumed}
            )
        except _Refusal:
            return marked
        instead: dict[int, list[str]] = {}
        for offset, printed in self._outputs(other):
            instead.setdefault(offset, []).append(printed)

        def chosen(found: re.Match[str]) -> str:
            rest = instead.get(int(found[1]), [])
            with_stand_in = rest.pop(0) if rest else found[2]
            blanked = "".join(char for char in with_stand_in if char not in self.stand_ins)
            return found[0][: found.start(2) - found.start()] + (with_stand_in if blanked == found[2] else found[2])

        return self._output_pattern.sub(chosen, marked)

    @property
    def _output_pattern(self) -> re.Pattern[str]:
        marks = self.text_mark + self.output_mark
        return re.compile(f"{self.output_mark}(\\d+){self.end_mark}([^{marks}]*)")

    def _outputs(self, marked: str) -> Iterator[tuple[int, str]]:
        for found in self._output_pattern.finditer(marked):
            yield int(found[1]), found[2]

    def _unmarked(self, marked: str) -> Source:
        clean: list[str] = []
        pieces: list[Piece] = []
        length = position = 0
        for found in re.finditer(f"([{self.text_mark}{self.output_mark}])(\\d+){self.end_mark}", marked):
            clean.append(marked[position : found.start()])
            length += len(clean[-1])
            origin, is_text = int(found[2]), found[1] == self.text_mark
            pieces.append(Piece(length, origin, exact=is_text, label="" if is_text else self._label(self.tags[origin])))
            position = found.end()
        clean.append(marked[position:])
        return Source(self.plain.file, "".join(clean), self.plain.text, tuple(pieces), self.stand_ins)

    def _label(self, part: Part) -> str:
        """How what a tag printed is shown, if it came out of a variable: by way of one in Ruby as well."""
        names = part.variables
        if not names and part.names_something:
            names = frozenset().union(*(tag.variables for tag in self.tags.values() if tag.kind is Kind.CODE))
        return f"‹ENV {' '.join(sorted(names))}›" if names else ""  # noqa: RUF001 - how it is shown

    def _stand_in(self, meaning: StandIn) -> str:
        if meaning not in self.by_why:
            char = self.by_why[meaning] = next(self.free)
            self.stand_ins[char] = meaning
        return self.by_why[meaning]

    def _missing(self, name: str) -> str:
        why = "is kept from templates" if name in self.withheld else "is not set here"
        return self._stand_in(StandIn(f"‹ENV {name}›", f"the variable {name} {why}"))  # noqa: RUF001 - how it is shown

    def _needs_ruby(self, part: Part) -> StandIn:
        line = self._span(part.start, part.end).line
        return StandIn("‹Ruby›", f"the ERB at line {line} needs Ruby itself")  # noqa: RUF001 - likewise

    def _span(self, start: int, end: int) -> Span:
        return self.plain.span(start, end)

    def _trim_marks(self) -> Iterator[Problem]:
        if self.kamal.parts >= _TRIM_MODE_SINCE:
            return
        for part in self.parts:
            if part.trims:
                yield Problem(
                    ProblemKind.TEMPLATE,
                    Severity.ERROR,
                    f"`<%-` and `-%>` need Kamal 2.11 or newer; {described(self.kamal)}",
                    self._span(part.start, part.end),
                    hint="Write `<%` and `%>`, or update Kamal.",
                )

    def _unclosed(self) -> Iterator[Problem]:
        for part in self.parts:
            if part.kind is Kind.UNCLOSED:
                yield Problem(
                    ProblemKind.TEMPLATE,
                    Severity.WARNING,
                    "this ERB tag is not closed: Kamal drops its mark and reads the rest of the file as text",
                    self._span(part.start - 2, part.start),
                    hint="Close it with `%>`.",
                )

    def _refusals(self) -> Iterator[Problem]:
        for offset, said in sorted(self.refused.items()):
            tag = self.tags[offset]
            at = self._span(tag.start, tag.end)
            if tag.is_broken:
                message = "this ERB tag is no Ruby: its brackets or quotes do not pair"
                yield Problem(ProblemKind.TEMPLATE, Severity.ERROR, message, at, hint="Correct the tag.")
            elif tag.neutral:
                message = f"this ERB needs Ruby itself ({said}): which branch Kamal takes is not known here"
                yield Problem(ProblemKind.OPAQUE, Severity.WARNING, message, at)
            else:
                message = f"this ERB needs Ruby itself ({said}): the value it gives is not judged"
                yield Problem(ProblemKind.OPAQUE, Severity.NOTICE, message, at)

    def _unset(self, source: Source) -> Iterator[Problem]:
        """A warning for each variable whose absence shows in the text."""
        for name in sorted(set().union(*(tag.variables for tag in self.tags.values())) - self.environ.keys()):
            if name in self.withheld or self._missing(name) not in source.text:
                continue
            tag = next(tag for tag in self.tags.values() if name in tag.variables)
            yield Problem(
                ProblemKind.OPAQUE,
                Severity.WARNING,
                f"the variable {name} is not set here: the value it gives is not judged",
                self._span(tag.start, tag.end),
                hint=f"Set {name} as it is when Kamal runs.",
            )


@dataclass
class _Refusal(Exception):  # noqa: N818 - what the interpreter would not run
    line: int
    message: str
    final: bool = False


def _interpreted(template: str, environ: Mapping[str, str]) -> str:
    import erblite  # type: ignore[import-untyped]

    depth = sys.getrecursionlimit()  # erblite raises it for the whole process
    try:
        return str(erblite.Template(template, "deploy.yml").render({_NAME: dict(environ)}, max_steps=MAX_STEPS))
    except erblite.Error as error:
        message = error.message.replace(_NAME, "ENV")
        raise _Refusal(error.line, message, final=error.type == "LimitError") from None
    except MemoryError:
        raise _Refusal(0, "it takes too much memory", final=True) from None
    except Exception as error:  # noqa: BLE001 - whatever an interpreter trips over, the file stays the suspect
        raise _Refusal(0, type(error).__name__, final=True) from None
    finally:
        sys.setrecursionlimit(depth)


def _unused(text: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Private-use characters that neither the file nor a variable has: YAML takes them, and no one writes them."""
    used = set(text).union(*environ.values())
    return (char for char in map(chr, range(0xF0000, 0xFFFFE)) if char not in used)
