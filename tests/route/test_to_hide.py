"""What no report may show: values from variables, and passwords of registries; but for hosts, users and ports."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamal_forward_check import check
from kamal_forward_check.model import Vantage
from kamal_forward_check.model.texts import without
from kamal_forward_check.settings import Settings
from tests.report import samples
from tests.route.made import BASE, FILE, Machine

ENVIRON = {"LONG": "a-long-value", "OTHER": "another-value", "SHORT": "short", "REGISTRY": "from-the-env"}


def hidden(folder: Path, text: str, base: str = BASE) -> tuple[str, ...]:
    machine = Machine(folder, ENVIRON)
    machine.write(FILE, base + text)
    machine.write(".kamal/secrets", "FILED=from-the-file\nNONE=$(echo x)\n")
    return check.check(Settings(mode="validate"), machine.system, Vantage.LOCAL).secrets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("servers: [a]\n", ()),
        ("servers: [a]\nasset_path: <%= ENV['LONG'] %>\n", ("a-long-value",)),
        ("servers: [a]\nasset_path: /x/<%= ENV['LONG'] %>\n", ("a-long-value", "/x/a-long-value")),
        ("servers: [a]\nasset_path: <%= ENV['LONG'].upcase %>\n", ("a-long-value", "A-LONG-VALUE")),
        ("servers: [a]\nasset_path: <%= ENV['SHORT'] %>\n", ()),
        ("servers: {web: [<%= ENV['LONG'] %>]}\nssh: {user: <%= ENV['OTHER'] %>}\n", ()),
        ("servers: [a]\nenv: {clear: {<%= ENV['OTHER'] %>: x}}\n", ("another-value",)),
    ],
)
def test_what_came_out_of_a_variable_is_hidden(tmp_path: Path, text: str, expected: tuple[str, ...]) -> None:
    assert hidden(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("of-the-registry", ("of-the-registry",)),
        ("[REGISTRY]", ("from-the-env",)),
        ("[FILED]", ("from-the-file",)),
        ("[NONE]", ()),
        ("[ABSENT]", ()),
    ],
)
def test_a_password_of_a_registry_is_hidden(tmp_path: Path, password: str, expected: tuple[str, ...]) -> None:
    base = f"service: shop\nimage: shop\nregistry: {{username: u, password: {password}}}\nbuilder: {{arch: amd64}}\n"
    assert hidden(tmp_path, "servers: [a]\n", base) == expected


def test_a_host_and_a_user_from_a_variable_are_shown(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ENVIRON)
    machine.write(FILE, BASE + "servers: [<%= ENV['LONG'] %>]\nssh: {user: <%= ENV['OTHER'] %>, port: 1}\n")
    report = check.check(Settings(timeout=5), machine.system, Vantage.LOCAL)
    assert report.secrets == ()
    assert [trace.route.target.name for trace in report.traces] == ["another-value@a-long-value:1"]


def test_every_text_of_a_report_is_without_its_secrets() -> None:
    report = without(samples.targets_refused(), ("10.0.1.11", "10.0.1.1", "deploy"))
    assert report.findings[0].message == "*** refuses the listen on 127.0.0.1:5555"
    assert report.findings[0].affects == ("***", "***2")
    assert report.traces[0].route.target.name == "***@***"
    assert "deploy" not in repr(report)
