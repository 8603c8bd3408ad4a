"""The hosts that `kamal build pull` forwards to, in Kamal's order."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.route.hosts import Forwarded, forwarded_hosts
from kamal_forward_check.settings import Settings
from tests.route.made import BASE, config, line_of
from tests.route.oracle import needs_kamal, ruby

ROLES = """servers:
  zweb: [h1, h2]
  app:
    hosts: [h3, h1]
  web: [h4, h2]
"""
ACCESSORIES = """accessories:
  db: {image: m, host: h8}
  redis: {image: m, roles: [app]}
  search: {image: m, hosts: [h9, h3]}
"""


def found(text: str, hosts: tuple[str, ...] = (), roles: tuple[str, ...] = ()) -> Forwarded:
    root = config(text).root
    assert root is not None
    return forwarded_hosts(root, Settings(hosts=hosts, roles=roles))


def names(text: str, hosts: tuple[str, ...] = (), roles: tuple[str, ...] = ()) -> list[str]:
    return [host.value for host in found(text, hosts, roles).hosts]


@pytest.mark.parametrize(
    ("text", "hosts", "roles", "expected"),
    [
        (ROLES, (), (), "h4 h2 h3 h1"),
        (ROLES + "primary_role: zweb\n", (), (), "h1 h2 h3 h4"),
        (ROLES, ("h2", "h3"), (), "h2 h3"),
        (ROLES, ("h3", "h2"), (), "h3 h2"),
        (ROLES, ("h[12]",), (), "h1 h2"),
        (ROLES, ("*2",), (), "h2"),
        (ROLES, (), ("app", "web"), "h4 h2 h3 h1"),
        (ROLES, (), ("z*",), "h1 h2"),
        (ROLES, ("h3",), ("web",), ""),
        (ROLES + ACCESSORIES, (), (), "h4 h2 h3 h1 h8 h9"),
        (ROLES + ACCESSORIES, ("h8",), (), "h8"),
        (ROLES + ACCESSORIES, (), ("app",), "h3 h1"),
        ("servers: [h1]\naccessories:\n  db: {role: web}\n", (), (), "h1"),
        ("accessories:\n  db: {host: h8}\n", (), (), "h8"),
        ("servers:\n  web: [h1, 5, true, '', h2]\n", (), (), "h1  h2"),
        ("servers:\n  web: [h1]\n  job: []\n", (), ("job",), "h1"),
        ("servers:\n  web: [{h1: x}, h2]\n", (), (), "h1 h2"),
        ("servers: [h1, dep@h3, 'h4:22', h1]\n", (), (), "h1 dep@h3 h4:22"),
    ],
)
def test_the_hosts_and_their_order(text: str, hosts: tuple[str, ...], roles: tuple[str, ...], expected: str) -> None:
    """As Kamal 2.11.0 prints them: "Setting up local registry port forwarding to …"."""
    assert " ".join(names(text, hosts, roles)) == expected


def test_tags_are_seen_in_a_role_that_is_a_list() -> None:
    text = "servers:\n  web:\n    - h1: x\n    - h2: [y, x]\n    - h3\n  job: {hosts: [{h4: x}]}\naccessories:\n"
    assert names(text + "  a: {tag: x}\n") == ["h1", "h2", "h3", "h4"]
    assert names(text + "  a: {tags: [y]}\n", hosts=("h2",)) == ["h2"]


def test_tags_without_roles_give_no_host() -> None:
    """Kamal goes on with nil for a host."""
    both = found("servers: [h1]\naccessories:\n  a: {tags: [x]}\n")
    assert ([host.value for host in both.hosts], [item.needed for item in both.unknown]) == (["h1"], [True])


def test_each_host_knows_the_first_line_that_names_it() -> None:
    text = "servers:\n  app:\n    - h1\n  web:\n    - h2: tag\n    - h1\naccessories:\n  db:\n    host: h8\n"
    at = {host.value: host.at.line for host in found(text).hosts if host.at}
    assert at == {part: line_of(text, part) for part in ("h1", "h2", "h8")}


@pytest.mark.parametrize("filters", [{"hosts": ("nope",)}, {"roles": ("nope", "no*")}])
def test_a_filter_that_matches_nothing_ends_the_check(filters: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(CannotCheck, match="nope"):
        names(ROLES, **filters)


@pytest.mark.parametrize(
    "text",
    [
        "servers: <%= Rails.x %>\n",
        "servers:\n  web: <%= Rails.x %>\n",
        "servers:\n  web: {hosts: <%= Rails.x %>}\n",
        "servers: [<%= Rails.x %>]\n",
        "servers: []\naccessories: <%= Rails.x %>\n",
        "servers: []\naccessories:\n  db: {host: <%= Rails.x %>}\n",
        "servers: []\naccessories:\n  db: {roles: [<%= Rails.x %>]}\n",
    ],
)
def test_unknown_hosts_are_said_not_guessed(text: str) -> None:
    unknown = found(text, hosts=("h1",)).unknown
    assert [(item.why.endswith("needs Ruby itself"), item.needed) for item in unknown] == [(True, True)]


def test_known_hosts_stay_beside_unknown_ones() -> None:
    both = found("servers: [h1, <%= Rails.x %>]\n")
    assert ([host.value for host in both.hosts], len(both.unknown)) == (["h1"], 1)
    assert names("servers: [h1, <%= Rails.x %>]\n", hosts=("h2",)) == []


@needs_kamal
def test_kamal_agrees_about_hosts() -> None:
    """250 random files and filters, against Kamal::Commander::Specifics."""
    random = Random(5)  # noqa: S311 - the same at every run
    cases = [_case(random) for _ in range(250)]
    question = """begin
      raw, hosts, roles = it
      config = Kamal::Configuration.new(raw.transform_keys(&:to_sym), version: "x")
      of = ->(filters, items) { filters.empty? ? nil : Kamal::Utils.filter_specific_items(filters, items) }
      chosen = [of.(hosts, config.all_hosts), of.(roles, config.roles)]
      chosen.include?([]) ? "no match" : Kamal::Commander::Specifics.new(config, *chosen).hosts
    end"""
    compared = 0
    for (raw, hosts, roles), kamals in zip(cases, ruby(question, [list(case) for case in cases]), strict=True):
        if kamals == "Kamal::ConfigurationError":
            continue
        compared += 1
        try:
            ours: Any = names(json.dumps(raw), hosts, roles)
        except CannotCheck:
            ours = "no match"
        assert ours == kamals, (raw, hosts, roles)
    assert compared > 100


def _case(random: Random) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    def hosts() -> list[Any]:
        names = random.choices([f"h{number}" for number in range(1, 7)], k=random.randint(0, 3))
        return [random.choice([name, name, {name: random.choice(["t1", ["t1", "t2"], "t12"])}]) for name in names]

    roles = random.sample(["web", "job", "app", "zed"], random.randint(1, 4))
    raw = {
        "service": "s",
        "image": "i",
        "allow_empty_roles": True,
        "registry": {"server": "localhost:5000"},
        "builder": {"arch": "amd64"},
        "env": {"tags": {tag: {"A": "b"} for tag in ("t1", "t2", "t12")}},
        "servers": {role: random.choice([hosts(), {"hosts": hosts()}]) for role in roles},
    }
    if random.random() < 0.3:
        raw["primary_role"] = random.choice(roles)
    if random.random() < 0.6:
        ways: list[dict[str, Any]] = [
            {"host": "h2"},
            {"hosts": ["a1", "h3"]},
            {"role": random.choice(roles)},
            {"roles": random.sample(roles, 1)},
            {"tag": "t1"},
            {"tags": ["t2", "t1"]},
        ]
        raw["accessories"] = {name: {"image": "m", **random.choice(ways)} for name in ("x", "db")}
    return (
        raw,
        random.choice([(), (), ("h1",), ("h2", "h1"), ("h*",), ("*[13]", "h2"), ("a?",)]),
        random.choice([(), (), ("web",), ("job", "web"), ("*b",), ("zed",)]),
    )


def test_the_base_file_of_these_tests_is_whole() -> None:
    assert names(BASE + "servers: [h1]\n") == ["h1"]
