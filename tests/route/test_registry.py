"""When Kamal takes the registry for a local one, and which port it forwards."""

from __future__ import annotations

import pytest

from kamal_forward_check.route.registry import forwarding, listen_address
from tests.route.made import config, line_of
from tests.route.oracle import needs_kamal, ruby

PORTS = {
    "localhost:5555": 5555,
    "localhost": None,
    "localhost$": 0,
    "localhost:": 0,
    "localhost:abc": 0,
    "localhost:5000/x": 5000,
    "localhost:5000:6000": 6000,
    "localhost:5000:": 5000,
    "localhost:5_000": 5000,
    "localhost: 5000": 5000,
    "localhost:-1": -1,
    "localhost:70000": 70000,
    "Localhost:5000": None,
    "xlocalhost:5000": None,
    "127.0.0.1:5000": None,
    "ghcr.io": None,
    "ghcr.io\nlocalhost:5000": 5000,
    "localhost:\n": 0,
    "": None,
}


def server(value: str) -> str:
    return f"registry:\n  server: {value!r}\n" if "\n" not in value else f"registry: {{server: {_quoted(value)}}}\n"


def _quoted(value: str) -> str:
    return '"' + value.replace("\n", "\\n") + '"'


@pytest.mark.parametrize("value", PORTS)
def test_the_port_of_a_local_registry(value: str) -> None:
    """Ruby's `^localhost[:$]` and `to_i`: not what either looks like."""
    found = forwarding(config(server(value)))
    assert (found.needed, found.port) == (PORTS[value] is not None, PORTS[value])


@needs_kamal
def test_kamal_agrees_about_local_registries() -> None:
    question = (
        'r = Kamal::Configuration::Registry.new(config: {"registry" => {"server" => it, "username" => "u", '
        '"password" => "p"}}, secrets: nil); r.local_port'
    )
    assert dict(zip(PORTS, ruby(question, list(PORTS)), strict=True)) == PORTS


def test_the_reason_names_what_decides() -> None:
    text = "service: shop\nregistry:\n  server: ghcr.io\n"
    found = forwarding(config(text))
    assert found.reason == "registry.server ghcr.io is not local: Kamal opens no forward"
    assert found.at is not None
    assert found.at.line == line_of(text, "ghcr.io")


def test_no_server_means_docker_hub() -> None:
    assert not forwarding(config("registry: {username: u}\n")).needed
    assert not forwarding(config("service: shop\n")).needed


def test_kamal_before_2_8_knows_no_local_registry() -> None:
    found = forwarding(config(server("localhost:5555"), "2.7.0"))
    assert not found.needed
    assert "2.7.0" in found.reason


@pytest.mark.parametrize("text", ["registry: {server: <%= Rails.x %>}\n", "registry: <%= Rails.x %>\n"])
def test_an_unknown_server_is_not_guessed(text: str) -> None:
    found = forwarding(config(text))
    assert (found.needed, found.port) == (True, None)
    assert "needs Ruby itself" in found.reason


def test_2_8_0_listens_on_localhost() -> None:
    assert [listen_address(config("x: 1", kamal)) for kamal in ("2.8.0", "2.8.1", "2.12.0")] == [
        "localhost",
        "127.0.0.1",
        "127.0.0.1",
    ]
