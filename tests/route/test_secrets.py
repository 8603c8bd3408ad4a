""".kamal/secrets as text: dotenv's rules, and nothing executed."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from kamal_forward_check.dotenv import parse
from kamal_forward_check.route.secrets import read_secrets
from tests.route.made import Machine, config
from tests.route.oracle import needs_kamal, ruby


def value(text: str, **environ: str) -> str:
    return parse(text, "secrets", environ)["X"].value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("X=plain # comment", "plain"),
        ("export X: 'sin $gle'", "sin $gle"),
        ('X="-----BEGIN\nkey\n-----END"', "-----BEGIN\nkey\n-----END"),
        ('X="a\\nb"', "a\\nb"),
        ('DOTENV_LINEBREAK_MODE=legacy\nX="a\\nb"', "a\nb"),
        ("X=\\$HOME", "$HOME"),
        ("X=\\$(echo a)", "$(echo a)"),
        ("X=$GIVEN-${GIVEN}", "me-me"),
        ("A=first\nX=$A", "first"),
        ("X=one\nX=two", "two"),
        ("X=one\r\nexport X\r\n", "one"),
        ("X=", ""),
    ],
)
def test_values(text: str, expected: str) -> None:
    secret = parse(text, "secrets", {"GIVEN": "me"})["X"]
    assert (secret.value, secret.unknown) == (expected, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("X=$(cat key)", "command"),
        ('X="a $(kamal secrets fetch b) c"', "command"),
        ("A=$(cat key)\nX=${A}", "command"),
        ("X=$NOT_HERE", "$NOT_HERE is not set here"),
    ],
)
def test_what_can_not_be_known(text: str, why: str) -> None:
    assert why in parse(text, "secrets", {})["X"].unknown


def test_nothing_is_executed(machine: Machine) -> None:
    made = machine.home / "made"
    parse(f"X=$(touch {made})\nY=`touch {made}`", "secrets", {})
    assert not made.exists()


def test_a_secret_knows_its_line() -> None:
    secrets = parse("# one\n\nA='x\ny'\nX=z\n", "secrets", {})
    assert [(name, secret.at.line) for name, secret in secrets.items()] == [("A", 3), ("X", 5)]


def test_the_destinations_secrets_win(machine: Machine) -> None:
    machine.write(".kamal/secrets-common", "A=common\nB=common\n")
    machine.write(".kamal/secrets", "B=none\n")
    machine.write(".kamal/secrets.staging", "B=staging\nC=$A\n")
    machine.write("elsewhere", "A=moved\n")

    def values(text: str = "x: 1", destination: str | None = None) -> dict[str, str]:
        read = read_secrets(replace(config(text), destination=destination), machine.system)
        return {name: secret.value for name, secret in read.items()}

    assert values() == {"A": "common", "B": "none"}
    assert values(destination="staging") == {"A": "common", "B": "staging", "C": ""}
    assert values("secrets_path: elsewhere") == {"A": "moved"}


@needs_kamal
def test_dotenv_agrees() -> None:
    """3,000 random files, none with a command."""
    random = Random(2)  # noqa: S311 - the same at every run
    parts = [
        "A",
        "B",
        "C_1",
        " ",
        "=",
        "=",
        ":",
        ": ",
        "'",
        '"',
        "\\",
        "\\n",
        "\\$",
        "$A",
        "${B}",
        "$",
        "$C_1}",
        "#",
        " #x",
    ]
    parts += ["x", "y z", "export ", "\n", "\n", "A=1\n", "B='q'\n", 'C="w $A"\n', "\t", "\r\n", "\\'", '\\"', "."]
    texts = ["".join(random.choices(parts, k=random.randint(1, 12))) for _ in range(3000)]
    answers = ruby("Kamal::Secrets; Dotenv::Parser.call(it, overwrite: true)", texts)
    compared = 0
    for text, dotenvs in zip(texts, answers, strict=True):
        if dotenvs != "Dotenv::FormatError":
            compared += 1
            assert {name: secret.value for name, secret in parse(text, "secrets", {}).items()} == dotenvs, text
    assert compared > 2900
