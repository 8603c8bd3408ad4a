"""Hundreds of hostile texts as a repository's own, given to the real image: keys, values, hosts, files, variables."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING

import yaml

from tests.action.hostile import texts
from tests.action.judges import Page, obeyed
from tests.action.runner import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.action.container import Contained

NAME = "config/::error::x\u2028##[error]`<b>|\u202e\x1b[2J.yml"
NO_YAML = re.compile("<%|%>|[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _document(every: Iterator[str]) -> dict[str, object]:
    """A deploy.yml that has these texts wherever it may have one, and where it may not."""

    def some(number: int) -> list[str]:
        return list(islice(every, number))

    def pairs(number: int) -> dict[str, str]:
        return dict(zip(some(number), some(number), strict=True))

    return {
        "service": next(every),
        "image": next(every),
        "minimum_version": next(every),
        "registry": {"server": f"localhost:5555{next(every)}", "username": next(every), "password": some(1)},
        "servers": {role: {"hosts": [host, {next(every): some(1)}]} for role, host in pairs(50).items()},
        "ssh": {name: next(every) for name in ("user", "proxy", "proxy_command", "port", "config")} | {"keys": some(9)},
        "env": {"clear": pairs(60), "secret": some(10)},
        "builder": {"remote": next(every), "args": pairs(20)},
        "accessories": {name: {"host": host, **pairs(1)} for name, host in pairs(20).items()},
        **pairs(60),
    }


def test_what_a_repository_says_is_text_everywhere(step: Contained) -> None:
    every = [NO_YAML.sub("", each)[:2000] for each in islice(texts(5), 600)]
    document = _document(iter(every))
    step.write(NAME, yaml.safe_dump(document, allow_unicode=True))
    step.environ |= {f"VARIABLE_{number}": each.replace("\0", "") for number, each in enumerate(every[:20])}
    ended = step.run(config_file=NAME, sarif_file="report.sarif")
    assert (ended.status, ended.stderr) == (1, ""), ended.printed[:2000]
    [token] = [each.data for each in ended.step.named("stop-commands")]
    commands = [each.name for each in ended.step.executed if each not in ended.step.annotations]
    assert [name for name in commands if name != "add-mask"] == ["group", "stop-commands", token.lower(), "endgroup"]
    assert not ended.step.failed
    assert ended.step.annotations == ended.step.taken or len(ended.step.taken) == len(ended.step.annotations)
    assert not obeyed("\n".join(ended.step.text))
    assert not Step().read("\n".join(line.removeprefix("│ ") for line in ended.step.text)).executed
    page = Page(ended.summary)
    assert {name for name, _ in page.elements} <= {
        *("h2", "h3", "p", "a", "code", "pre", "strong", "details", "summary", "ul", "li"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert not page.references
    assert len(step.report()["findings"]) > 100
    assert len(json.loads((step.workspace / "report.sarif").read_text())["runs"][0]["results"]) > 100
