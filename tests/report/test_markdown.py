from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from kamal_forward_check.report.markdown import block, cell_code, code, prose, table

READER = MarkdownIt("commonmark").enable("table")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "    indented",
            "- item",
            "+ item",
            "* item",
            "1. item",
            "123456789) item",
            "# head",
            "=== ",
            "---",
            "> quote",
        ),
        *(
            "*a* __b__ _c_ **d**",
            "a_b_c",
            "`code`",
            "[a](b)",
            "![a](b)",
            "<b>",
            "<http://e.example>",
            "&lt;",
            "\\*",
            "~~a~~",
        ),
    ],
)
def test_prose_is_one_paragraph_of_its_own_words(text: str) -> None:
    opening, inline, closing = READER.parse(prose(text))
    assert (opening.type, inline.type, closing.type) == ("paragraph_open", "inline", "paragraph_close")
    assert {token.type for token in inline.children or ()} <= {"text"}
    assert "".join(token.content for token in inline.children or ()) == text.strip()


def test_prose_makes_no_link_or_mention_of_githubs_own() -> None:
    """An extended autolink (GFM §6.9) wants its characters side by side."""
    assert prose("http://e.example www.e.example mailto:a") == "http\\://e.example www\\.e.example mailto\\:<!-- -->a"
    assert prose("a@b.example, @octo") == "a@<!-- -->b.example, @<!-- -->octo"
    assert prose("#1 GH-1 :tada: deploy.yml:100:3") == (
        "\\#<!-- -->1 GH<!-- -->-1 :<!-- -->tada: deploy.yml:<!-- -->100:3"
    )
    assert prose("127.0.0.1:5555: refused") == "127.0.0.1:5555: refused"


def test_prose_leaves_plain_words_alone() -> None:
    text = "10.0.1.11 refuses the listen on 127.0.0.1:5555 (authorized_keys, line 3)."
    assert prose(text) == text


@pytest.mark.parametrize("text", ["a", "`", "``", "a``b`c", "`a`", "a | b", " a"])
def test_a_code_span_holds_its_text(text: str) -> None:
    spans = READER.parse(code(text))[1].children or ()
    assert [(span.type, span.content) for span in spans] == [("code_inline", text)]


@pytest.mark.parametrize("text", ["a | b", "| |", "a`|`b"])
def test_a_code_span_in_a_cell_ends_no_cell(text: str) -> None:
    cells = [token.children for token in READER.parse(table(("x", "y"), [(cell_code(text), "z")])) if token.children]
    assert [cell[0].content for cell in cells] == ["x", "y", text, "z"]


@pytest.mark.parametrize("line", ["```", "````", "~~~", "```sh"])
def test_a_block_is_not_ended_by_its_lines(line: str) -> None:
    (fence,) = READER.parse(block("sh", [line, "after"]))
    assert (fence.info, fence.content) == ("sh", f"{line}\nafter\n")
