"""The stand-in for a runner's parser, rule by rule: what judges the reports has to be judged first."""

from __future__ import annotations

import pytest

from tests.action.runner import COMMANDS, WHITE_SPACE, Command, Place, Step, assignments, place


def only(output: str) -> Command:
    step = Step().read(output)
    [command] = step.executed
    return command


def executed(output: str) -> list[str]:
    return [command.name for command in Step().read(output).executed]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_cr_lf_and_both_end_a_line(end: str) -> None:
    step = Step().read(f"a{end}::error::b{end}c")
    assert ([command.data for command in step.executed], step.text) == (["b"], ["a", "c"])


@pytest.mark.parametrize("inside", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_nothing_else_ends_a_line(inside: str) -> None:
    assert executed(f"a{inside}::error::b") == []


@pytest.mark.parametrize("blank", WHITE_SPACE.replace("\r", "").replace("\n", ""))
def test_white_space_before_a_command_is_nothing(blank: str) -> None:
    assert executed(f"{blank * 2}::error::b") == ["error"]


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x1c", "\x1f", "\u180e", "\u200b", "\u2060", "\ufeff", "│", "."])
def test_anything_else_before_a_command_makes_it_text(char: str) -> None:
    assert executed(f"{char}::error::b") == []


def test_white_space_is_what_dotnet_takes_for_it() -> None:
    """Char.IsWhiteSpace: the categories Zs, Zl and Zp, U+0009 to U+000D, and U+0085."""
    assert sorted(map(ord, WHITE_SPACE)) == [
        *range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_known_by_its_name_in_any_case(name: str) -> None:
    assert executed(f"::{name}::x") == executed(f"::{name.upper()} a=b::x") == executed(f"y ##[{name.title()}]x")


@pytest.mark.parametrize(
    "line", ["::errors::b", "::error", "::error:b", ":: error::b", ":error::b", "::::b", "x::error::b"]
)
def test_what_is_no_command_is_text(line: str) -> None:
    step = Step().read(line)
    assert (step.executed, step.text) == ([], [line])


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("file=a,line=1", {"file": "a", "line": "1"}),
        ("  file=a  ", {"file": "a"}),
        ("file=a, line=1", {"file": "a", " line": "1"}),
        ("FILE=a,file=b", {"file": "b"}),
        ("file=,line=1,,=,x", {"line": "1"}),
        ("file==a=b", {"file": "a=b"}),
        ("file=%25%0A%0D%3A%2C%2525%3a", {"file": "%\n\r:,%25%3a"}),
    ],
)
def test_properties(properties: str, expected: dict[str, str]) -> None:
    assert only(f"::error {properties}::x").properties == expected


def test_data_is_unescaped_in_order_and_once() -> None:
    assert only("::error::%0Aa%0D%25%250A%3A%2C::%0d").data == "\na\r%%0A%3A%2C::%0d"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("text ##[error]b", Command("error", {}, "b")),
        ("##[set-output name=a;x=y]b]c", Command("set-output", {"name": "a", "x": "y"}, "b]c")),
        ("##[error k=%3B%5D%0A%2C]%5D%3B%25", Command("error", {"k": ";]\n%2C"}, "];%")),
        ("::nothing::##[error]b", Command("error", {}, "b")),
        ("###[error]b", Command("error", {}, "b")),
    ],
)
def test_the_old_form_is_read_anywhere_in_a_line(line: str, expected: Command) -> None:
    assert only(line) == expected


@pytest.mark.parametrize("line", ["##[error", "# #[error]", "##[ error]b", "##[nothing]##[error]b", "##[x] ##[error]b"])
def test_of_the_old_form_the_first_bracket_counts_alone(line: str) -> None:
    assert executed(line) == []


@pytest.mark.parametrize("resume", ["::TOKEN::", "x ##[token]"])
def test_commands_stop_until_the_token_comes(resume: str) -> None:
    step = Step().read(f"::stop-commands::token\n::error::a\n##[error]b\n::stop-commands::c\n{resume}\n::error::d")
    assert [command.data for command in step.annotations] == ["d"]
    assert step.text == ["::error::a", "##[error]b", "::stop-commands::c"]


@pytest.mark.parametrize("token", ["", "error", "pause-logging"])
def test_a_bad_token_fails_the_step_and_stops_nothing(token: str) -> None:
    step = Step().read(f"::stop-commands::{token}\n::error::a")
    assert (len(step.annotations), len(step.failed)) == (1, 1)


@pytest.mark.parametrize("line", ["::set-env name=a::b", "##[add-path]b"])
def test_what_a_runner_refuses_fails_the_step(line: str) -> None:
    assert Step().read(line).failed


def test_a_mask_holds_from_its_line_on() -> None:
    step = Step().read("hush\n::add-mask::hush%0Ahidden\na hush hidden\n::error::hush")
    assert step.log == ["hush", "::add-mask::***%0A***", "a *** ***", "***"]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("file=/github/workspace/a,line=1", Place("a", 1)),
        ("file=/other/a,line=1", Place("/other/a", 1)),
        ("file=a,endLine=3", Place("a", 3, 3)),
        ("file=a,line=1,endColumn=3", Place("a", 1, None, 3, 3)),
        ("file=a,col=1", Place("a")),
        ("file=a,line=1,endLine=2,col=1,endColumn=2", Place("a", 1, 2)),
        ("file=a,line=1,endLine=1,col=2,endColumn=4", Place("a", 1, 1, 2, 4)),
        ("file=a,line=2,endLine=1", Place("a")),
        ("file=a,line=1,col=4,endColumn=2", Place("a", 1)),
        ("file=a,line=x", Place("a")),
    ],
)
def test_where_an_annotation_comes_to_stand(properties: str, expected: Place) -> None:
    assert place(only(f"::error {properties}::x")) == expected


def test_ten_of_a_kind_are_taken() -> None:
    step = Step().read("::error::a\n" * 12 + "::notice::b\n" * 3)
    assert [command.data for command in step.taken] == ["a"] * 10 + ["b"] * 3


def test_assignments_end_at_their_delimiters() -> None:
    assert assignments("a=b=c\nd<<E\n1\r\nE \n\nE\n\ne<<x=y\nx=y\nf=g<<h\n") == {
        "a": "b=c", "d": "1\r\nE \n", "e": "", "f": "g<<h",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["a", "a<<E\nb\n", "<<E\nE\n", "a<<\nb\n"])
def test_an_assignment_that_fails_the_step(text: str) -> None:
    with pytest.raises(ValueError, match=r"no (line|name)|neither"):
        assignments(text)
