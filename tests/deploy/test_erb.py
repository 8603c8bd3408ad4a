"""ERB: what can be told without Ruby, where it stands, and what is said of the rest."""

# ruff: noqa: RUF001 - values that are not known are shown in these marks

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from kamal_forward_check.deploy import bounded, erb
from kamal_forward_check.deploy.template import Kind, parts
from kamal_forward_check.model import KamalVersion, Node, ProblemKind, Severity
from tests.deploy.conftest import Load

NEWEST = KamalVersion("2.12.0", "assumed")
REST = 'service: shop\nregistry: {server: "localhost:5555"}\nbuilder: {arch: amd64}\nservers: [192.0.2.10]\n'


def shown(text: str, **environ: str) -> str:
    """The rendered text, stand-ins by their labels."""
    source = erb.render("deploy.yml", text, environ, NEWEST).source
    assert source is not None
    return source.shown(source.text)


def said(text: str, **environ: str) -> list[tuple[str, ProblemKind, Severity]]:
    problems = erb.render("deploy.yml", text, environ, NEWEST).problems
    return [(str(problem.at), problem.kind, problem.severity) for problem in problems]


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ('a: <%= ENV["HOST"] %>', "a: web"),
        ('a: <%= ENV.fetch("HOST") %>', "a: web"),
        ('a: <%= ENV.fetch("NONE", "x") %>', "a: x"),
        ('a: <%= ENV["NONE"] || "x" %>', "a: x"),
        ('a: <%= ENV["NONE"].presence || "x" %>', "a: x"),
        ('a: <%= ENV["NONE"] ? 1 : 2 %>', "a: 2"),
        ('a: <%= ENV["NONE"] %>', "a: ‹ENV NONE›"),
        ('a: <%= ENV.fetch("NONE") %>', "a: ‹ENV NONE›"),
        ('a: <%= "#{ENV["NONE"]}.example.com" %>', "a: ‹ENV NONE›.example.com"),
        ('<% host = ENV["NONE"] %>a: <%= host %>', "a: ‹ENV NONE›"),
        ('<% ENV["NONE"].split(",").each do |h| %>- <%= h %>\n<% end %>', "- ‹ENV NONE›\n"),
        ("a: <%= `hostname` %>", "a: ‹Ruby›"),
        ("a: <%= Rails.env %> <%= 1 %>", "a: ‹Ruby› 1"),
        ("a: <%% b %>", "a: <% b %>"),
        ("<%- 2.times do |n| -%>\n- <%= n %>\n<%- end -%>\n", "- 0\n- 1\n"),
        ("a <%= 5", "a  5"),
    ],
)
def test_rendered(text: str, rendered: str) -> None:
    assert shown(text, HOST="web") == rendered


def test_a_shell_command_is_never_run(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    for code in (
        f"`touch {witness}`",
        f"%x(touch {witness})",
        f"system('touch {witness}')",
        f"File.write('{witness}', '')",
    ):
        shown(f"a: <%= {code} %>")
    assert not witness.exists()


@pytest.mark.parametrize("name", ["MY_TOKEN", "API_KEY", "A_SECRET", "DB_PASSWORD", "INPUT_SSH", "ACTIONS_ID"])
def test_secrets_are_kept_from_templates(name: str) -> None:
    text = f'a: <%= ENV["{name}"] %> <%= ENV.to_h %> <%= ENV.values.join %>'
    assert "hidden" not in shown(text, **{name: "hidden"})
    assert f"‹ENV {name}›" in shown(text, **{name: "hidden"})


def test_a_value_that_is_not_known_is_marked_with_the_reason(load: Load) -> None:
    config = load(REST + 'ssh: {user: <%= ENV["WHO"] %>, port: <%= `x` %>}\nx-a: {<%= ENV["B"] %>: 1}\n')
    root = config.root
    assert root is not None
    user, port, extra = root.get("ssh", "user"), root.get("ssh", "port"), root.get("x-a")
    assert isinstance(user, Node)
    assert user.unknown == "the variable WHO is not set here"
    assert port is not None
    assert port.unknown == "the ERB at line 5 needs Ruby itself"
    assert extra is not None
    assert extra.unknown, "a mapping with an unknown key is not known"
    assert [(problem.at.line, problem.severity) for problem in config.problems] == [
        (5, Severity.WARNING), (5, Severity.NOTICE), (6, Severity.WARNING),
    ]  # fmt: skip


def test_an_unknown_value_fits_any_type(load: Load) -> None:
    config = load(
        "service: <%= `s` %>\nregistry: <%= `r` %>\nbuilder: {arch: <%= `a` %>, cache: {type: <%= `t` %>}}\n"
        "servers: <%= `h` %>\nretain_containers: <%= `n` %>\nproxy: {ssl: <%= `b` %>}\n"
    )
    assert {problem.severity for problem in config.problems} == {Severity.NOTICE}


def test_lines_are_those_of_the_file_after_a_loop(load: Load) -> None:
    config = load("<% 3.times do |n| -%>\nx-<%= n %>: 1\n<% end -%>\n" + REST + "ssh: {prot: 22}\n")
    (problem,) = config.problems
    assert str(problem.at) == "config/deploy.yml:8:7"


def test_what_is_printed_is_shown_at_its_tag(load: Load) -> None:
    config = load(REST + 'ssh:\n  <%= "prot" %>: 22\n')
    (problem,) = config.problems
    assert str(problem.at) == "config/deploy.yml:6:3"
    assert problem.at.end_column == 0


def test_findings_behind_a_guessed_branch_are_warnings(load: Load) -> None:
    config = load("<% if Rails.env.production? %>\nssh: {prot: 22}\n<% else %>\nssh: {}\n<% end %>\n" + REST)
    assert [problem.severity for problem in config.problems] == [Severity.WARNING, Severity.WARNING]
    assert "ERB that can't be run here" in config.problems[1].hint


def test_yaml_that_breaks_at_an_unknown_value_is_not_called_wrong(load: Load) -> None:
    config = load(REST + "<%= `block` %>\n")
    assert config.root is None
    assert {problem.kind for problem in config.problems} == {ProblemKind.OPAQUE}


@pytest.mark.parametrize("tag", ['<%= ENV["HOST" %>', "<%= [1, 2 %>", "<%= (1 %>", "<%= f('x %>"])
def test_brackets_that_do_not_pair_are_no_ruby(tag: str) -> None:
    assert said(f"a: {tag}\n") == [("deploy.yml:1:4", ProblemKind.TEMPLATE, Severity.ERROR)]


@pytest.mark.parametrize("tag", ["<%= ?( %>", "<%= x[/[(]/] %>", "<%= %q(a) %>", "<%= <<~X %>"])
def test_ruby_that_is_merely_not_understood_is_not_called_broken(tag: str) -> None:
    assert {kind for _, kind, _ in said(f"a: {tag}\n")} <= {ProblemKind.OPAQUE}


def test_trim_marks_need_2_11(load: Load) -> None:
    text = "<%- 1 -%>\n" + REST
    assert not load(text, kamal="2.11.0").problems
    (problem,) = load(text, kamal="2.10.1").problems
    assert problem.message == "`<%-` and `-%>` need Kamal 2.11 or newer; kamal-version is 2.10.1"


@pytest.mark.parametrize(
    "code",
    [
        "while true\nend",
        "x = 'a' * 9_000_000; [1].cycle { x.reverse }",
        "x = 'a' * 9_000_000; l = []; 400.times { l << (x + 'b') }",
        "l = [1]; 40.times { l = l + l }",
    ],
)
def test_time_and_memory_are_bounded(code: str) -> None:
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    rendered = erb.render("deploy.yml", f"<% {code} %>a: 1\n", {}, NEWEST)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime < 2 * bounded.SECONDS
    assert ended.ru_maxrss * 1024 < bounded.BYTES + 400 * 1024**2
    assert [problem.kind for problem in rendered.problems] == [ProblemKind.OPAQUE]


def test_any_number_of_variables_may_be_missing() -> None:
    text = "".join(f'a{n}: <%= ENV.fetch("A{n}") %>\n' for n in range(200))
    assert shown(text) == "".join(f"a{n}: ‹ENV A{n}›\n" for n in range(200))


def test_a_variable_that_is_looked_at_elsewhere_is_not_assumed_for_another_s_sake() -> None:
    text = '<% if ENV["B"] %>b: <%= ENV.fetch("B") %>\n<% end %>a: <%= ENV.fetch("A") %>\n'
    assert shown(text) == "a: ‹ENV A›\n"


def test_what_a_template_prints_is_bounded() -> None:
    [problem] = erb.render("deploy.yml", "a: <%= 'x' * 3_000_000 %>", {}, NEWEST).problems
    assert "it prints more than 1 MB" in problem.message


def test_a_child_that_dies_is_told_from_an_answer() -> None:
    assert bounded.in_child(lambda: [1]) == [1]
    assert bounded.in_child(lambda: os._exit(0)) is None
    assert bounded.in_child(lambda: os.kill(os.getpid(), signal.SIGKILL)) is None
    assert bounded.in_child(lambda: sys.exit(0)) is None


class TestWhatIsShownOfVariables:
    """Hosts, users and ports show themselves; whatever else came out of a variable is named, not shown."""

    @pytest.mark.parametrize(
        "lines",
        [
            'minimum_version: <%= ENV["VALUE"] %>\n',
            '<% v = ENV["VALUE"] %>minimum_version: <%= v.strip %>\n',
            'minimum_version: "9<%= ENV["VALUE"] %>"\n',
        ],
    )
    def test_a_value(self, load: Load, lines: str) -> None:
        (problem,) = load(REST + lines, environ={"VALUE": "77.31"}).problems
        assert "77.31" not in problem.message
        assert "‹ENV VALUE›; kamal-version is 2.12.0" in problem.message

    def test_a_key(self, load: Load) -> None:
        (problem,) = load(REST + 'ssh: {<%= ENV["VALUE"] %>: 22}\n', environ={"VALUE": "prot"}).problems
        assert problem.message == "Kamal knows no key `‹ENV VALUE›` below `ssh`: did you mean `port`?"

    def test_a_host(self, load: Load) -> None:
        over = REST + 'accessories: {a: {image: b, host: <%= ENV["VALUE"] %>, proxy: {run: {debug: true}}}}\n'
        (problem,) = load(over + "proxy: {run: {debug: true}}\n", environ={"VALUE": "192.0.2.10"}).problems
        assert "192.0.2.10" in problem.message

    def test_text_beside_it_is_the_file_s(self, load: Load) -> None:
        root = load(REST + 'x-a: pre-<%= ENV["VALUE"] %>-post\nx-b: <%= 1 + 1 %>\n', environ={"VALUE": "v"}).root
        assert root is not None
        one, two = root.get("x-a"), root.get("x-b")
        assert one is not None
        assert two is not None
        assert (one.value, one.shown, two.shown) == ("pre-v-post", "pre-‹ENV VALUE›-post", "2")


def test_parts_cover_the_text() -> None:
    text = "a <%% <%= 1 -%>\n  <%- 2 %>\n<%# c %> <%= %%> %> b <% open"
    cut = list(parts(text))
    assert "".join(part.text for part in cut) == text.replace("<% open", " open")
    assert [part.kind for part in cut if part.kind is not Kind.TEXT] == [
        Kind.OUTPUT, Kind.CODE, Kind.COMMENT, Kind.OUTPUT, Kind.UNCLOSED,
    ]  # fmt: skip
