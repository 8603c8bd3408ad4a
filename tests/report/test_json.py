from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from kamal_forward_check.model import Report
from kamal_forward_check.report import json as machine
from tests.action.runner import Step
from tests.report.samples import SAMPLES, targets_refused
from tests.report.strategies import ALWAYS_THE_SAME, REPORTS

SCHEMA = json.loads((Path(__file__).parents[2] / "schema" / "report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def parsed(report: Report) -> Any:
    return json.loads(machine.render(report))


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "hostile"])
def test_a_sample_is_by_the_schema(name: str) -> None:
    VALIDATOR.validate(parsed(SAMPLES[name]()))


@given(REPORTS)
@ALWAYS_THE_SAME
def test_every_report_is_by_the_schema(report: Report) -> None:
    VALIDATOR.validate(parsed(report))


@given(REPORTS)
@ALWAYS_THE_SAME
def test_on_a_runner_no_line_of_it_is_a_command(report: Report) -> None:
    rendered = machine.render(report)
    assert rendered.isascii()
    assert not Step().read(rendered).executed


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every part of the schema that describes an object."""
    inside = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = [schema] if isinstance(schema, dict) and "properties" in schema and "type" in schema else []
    return own + [found for part in inside for found in objects(part)]


def test_the_schema_leaves_no_object_open() -> None:
    """A field that is missing, or that the schema does not know, is an error."""
    assert len(objects(SCHEMA)) > 15
    for each in objects(SCHEMA):
        assert each["additionalProperties"] is False
        assert set(each["required"]) == set(each["properties"])


def test_texts_are_as_they_were_found() -> None:
    assert parsed(SAMPLES["hostile"]())["findings"][0]["message"].startswith("x\r\n::error::e\n##[set-output")


def test_neighbouring_lines_of_a_servers_file_stay_out() -> None:
    assert "CIS 5.2.20" not in machine.render(targets_refused())


def test_what_must_change_as_well_by_hand_is_there() -> None:
    [finding] = targets_refused().findings
    assert finding.fix
    besides = "Free port 5555 on 10.0.1.11 as well: app (pid 7) holds it."
    report = replace(targets_refused(), findings=(replace(finding, fix=replace(finding.fix, besides=(besides,))),))
    VALIDATOR.validate(parsed(report))
    assert parsed(report)["findings"][0]["fix"]["besides"] == [besides]


def test_a_byte_that_is_no_character_is_marked() -> None:
    [finding] = targets_refused().findings[:1]
    report = replace(targets_refused(), findings=(replace(finding, message="gr\udcf6\udcdfer \U0001f600"),))
    assert parsed(report)["findings"][0]["message"] == "gr\ufffd\ufffder \U0001f600"
