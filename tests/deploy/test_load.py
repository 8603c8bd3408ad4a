"""The seam: files, destinations and versions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kamal_forward_check import deploy
from kamal_forward_check.deploy import overlay
from kamal_forward_check.deploy.kamal_version import is_older, is_version
from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import KamalVersion, ProblemKind, Severity
from kamal_forward_check.system import System
from tests.deploy.conftest import Load

WHOLE = 'service: shop\nregistry: {server: "localhost:5555"}\nbuilder: {arch: amd64}\nservers: [192.0.2.10]\n'
HALF = 'service: shop\nregistry: {server: "localhost:5555"}\nbuilder: {arch: amd64}\n'


def system(folder: Path) -> System:
    return System(environ={}, cwd=folder, home=folder)


def test_a_missing_file_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(CannotCheck, match=r"cannot read config/deploy\.yml: no such file") as caught:
        deploy.load(system(tmp_path), "config/deploy.yml", None, None)
    assert caught.value.hint == deploy.NAME_A_FILE


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CannotCheck, match="it is a folder"):
        deploy.load(system(tmp_path), ".", None, None)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotCheck, match="it is no regular file"):
        deploy.load(system(tmp_path), "pipe", None, None)


def test_a_missing_destination_names_those_that_are_there(load: Load) -> None:
    with pytest.raises(CannotCheck, match=r"config/deploy\.live\.yml") as caught:
        load(HALF, destination="live", production="{}", staging="{}")
    assert caught.value.hint == "There are production, staging."


def test_each_value_knows_its_own_file(load: Load) -> None:
    config = load(HALF + "ssh: {user: a, port: 22}\n", destination="staging", staging="servers: [h]\nssh: {user: b}\n")
    assert config.root is not None
    assert not config.problems
    places = {path: config.root.get("ssh", path) for path in ("user", "port")}
    assert {path: str(node and node.at) for path, node in places.items()} == {
        "user": "config/deploy.staging.yml:2:13",
        "port": "config/deploy.yml:4:22",
    }


def test_half_of_a_pair_says_which_destinations_there_are(load: Load) -> None:
    (problem,) = load(HALF, production="{}", staging="{}").problems
    assert problem.kind is ProblemKind.MISSING
    assert problem.hint.startswith("No destination is given. There are production, staging. Use --destination.")


@pytest.mark.parametrize(
    ("base", "over"),
    [
        ("config/deploy.yml", "config/deploy.a.yml"),
        ("deploy.yaml", "deploy.a.yml"),
        ("x.y.yml", "x.y.a.yml"),
        ("d", "d.a.yml"),
    ],
)
def test_an_overlay_s_name(base: str, over: str) -> None:
    assert overlay.file_of(base, "a") == over


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b"a: 1\nb: \xff\n", "deploy.yml:2:4", "not UTF-8"),
        (b"a: \xc3\xa9\xff\n", "deploy.yml:1:5", "not UTF-8"),
        (b"\x7fELF\0\0", "deploy.yml:1:5", "binary"),
        (b"a" * 1_000_001, "deploy.yml:1:1", "larger than 1 MB"),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes, place: str, words: str) -> None:
    (tmp_path / "deploy.yml").write_bytes(data)
    config = deploy.load(system(tmp_path), "deploy.yml", None, None)
    (problem,) = config.problems
    assert config.root is None
    assert str(problem.at) == place
    assert words in problem.message


def test_a_byte_order_mark_is_an_error_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "deploy.yml").write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    config = deploy.load(system(tmp_path), "deploy.yml", None, None)
    assert [problem.severity for problem in config.problems] == [Severity.ERROR]
    assert config.root is not None
    assert config.root.get("service") is not None


class TestKamalVersion:
    def test_as_given(self, load: Load) -> None:
        assert load(WHOLE, kamal="v2.8.2").kamal == KamalVersion("2.8.2", "input")

    def test_of_the_lockfile(self, load: Load, tmp_path: Path) -> None:
        (tmp_path / "Gemfile.lock").write_text("GEM\n  specs:\n    kamal (2.10.1)\n      dotenv (~> 3.1)\n")
        assert load(WHOLE, kamal=None).kamal == KamalVersion("2.10.1", "Gemfile.lock:3")

    def test_assumed(self, load: Load) -> None:
        assert load(WHOLE, kamal=None).kamal == KamalVersion("2.12.0", "assumed")

    @pytest.mark.parametrize("given", ["latest", "2", "2.x", "~> 2.8", "2.8.2; rm"])
    def test_no_version(self, load: Load, given: str) -> None:
        with pytest.raises(CannotCheck, match="not a version"):
            load(WHOLE, kamal=given)

    def test_kamal_1_is_not_judged(self, load: Load, tmp_path: Path) -> None:
        (tmp_path / "Gemfile.lock").write_text("    kamal (1.9.2)\n")
        with pytest.raises(CannotCheck, match=r"Gemfile\.lock:1 has 1\.9\.2"):
            load(WHOLE, kamal=None)

    @pytest.mark.parametrize(
        ("older", "newer"),
        [
            ("2.9.0", "2.10.0"),
            ("2.11.0.rc1", "2.11.0"),
            ("2.11.0", "2.11.0.1"),
            ("2.0.0.alpha", "2.0.0.beta"),
            ("2-1", "2"),
        ],
    )
    def test_order(self, older: str, newer: str) -> None:
        assert is_older(older, newer)
        assert not is_older(newer, older)

    def test_equal(self) -> None:
        assert not is_older("2.11", "2.11.0")
        assert not is_older("2.11.0", "2.11")

    @pytest.mark.parametrize("text", ["2.8.2", "2.8.2.rc1", "2", ""])
    def test_what_rubygems_takes(self, text: str) -> None:
        assert is_version(text)

    @pytest.mark.parametrize("text", ["2.", "a", "2..8", "v2"])
    def test_what_rubygems_does_not_take(self, text: str) -> None:
        assert not is_version(text)


class TestUnknownKeys:
    def test_an_error_where_the_version_is_known(self, load: Load) -> None:
        (problem,) = load(WHOLE + "colour: blue\n", kamal="2.12.0").problems
        assert problem.severity is Severity.ERROR

    @pytest.mark.parametrize("kamal", [None, "2.99.0"])
    def test_a_warning_where_a_newer_kamal_may_know_it(self, load: Load, kamal: str | None) -> None:
        (problem,) = load(WHOLE + "colour: blue\n", kamal=kamal).problems
        assert problem.severity is Severity.WARNING

    @pytest.mark.parametrize("line", ["regstry: {}\n", "traefik: {}\n"])
    def test_an_error_all_the_same_for_a_near_miss_or_kamal_1(self, load: Load, line: str) -> None:
        (problem,) = load(WHOLE + line, kamal=None).problems
        assert problem.severity is Severity.ERROR

    def test_all_that_is_left_of_kamal_1_is_one_problem(self, load: Load) -> None:
        text = WHOLE.replace(
            "{arch: amd64}", "{arch: amd64, remote: {arch: amd64, host: 'ssh://a@b'}, multiarch: false}"
        )
        (problem,) = load(text + "traefik: {}\nhealthcheck: {}\n").problems
        assert problem.kind is ProblemKind.KAMAL_1
        assert problem.message == (
            "this file was written for Kamal 1: Kamal 2 has no mapping `builder/remote`, `builder/multiarch`, "
            "`traefik`, `healthcheck`"
        )

    def test_a_key_of_another_place_names_it(self, load: Load) -> None:
        (problem,) = load(WHOLE + "user: deploy\n").problems
        assert problem.hint == "Kamal knows it as `ssh/user`: move it there, or remove it."

    def test_too_new_says_where_the_version_comes_from(self, load: Load, tmp_path: Path) -> None:
        (tmp_path / "Gemfile.lock").write_text("\n" * 211 + "    kamal (2.10.1)\n")
        (problem,) = load(WHOLE + "output: {level: quiet}\n", kamal=None).problems
        assert problem.kind is ProblemKind.TOO_NEW
        assert problem.message == "`output` needs Kamal 2.12 or newer; Gemfile.lock:212 has 2.10.1"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("ssh: {port: [22]}\n", ["ssh:", "  port: 22"]),
        ("ssh: {keys: a}\n", ["keys:", "- ~/.ssh/id_ed25519"]),
        ("proxy: true\n", ["proxy:", "  host: shop.example.com"]),
        ("volumes: [[a]]\n", []),
        ("retain_containers: a\n", ["retain_containers: 3"]),
    ],
)
def test_a_wrong_type_has_an_example_of_two_lines(load: Load, text: str, lines: list[str]) -> None:
    (problem,) = load(WHOLE + text).problems
    assert problem.kind is ProblemKind.WRONG_TYPE
    assert list(problem.example) == lines
