"""`sshd -T -ddd` read: which line decides, and how sure that is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamal_forward_check.model import Certainty
from kamal_forward_check.sshd.effective import Deciding, Effective, read
from tests.sshd.said import said
from tests.sshd.seen import ALWAYS_THE_SAME

MAIN = "/etc/ssh/sshd_config"
DAEMON = "/usr/sbin/sshd -D"
DROP_IN = "/etc/ssh/sshd_config.d/50-hardening.conf"


def holding(*output: str, daemon: str = DAEMON, unreadable: str = "", lines: str = "") -> Effective:
    """What is read from these lines of `sshd -T -ddd`."""
    found = read({"sshd": "\n".join(output), "daemon": daemon, "unreadable": unreadable, "lines": lines})
    assert found
    return found


def allow(*output: str, daemon: str = DAEMON, unreadable: str = "") -> Deciding:
    """What decides AllowTcpForwarding."""
    return holding(*output, daemon=daemon, unreadable=unreadable).deciding("AllowTcpForwarding")


SECOND_PASS = "debug2: parse_server_config_depth: config reprocess config len 9"  # noqa: S105 - of two


def first(line: int, value: str, file: str = MAIN) -> str:
    return f"debug3: {file}:{line} setting AllowTcpForwarding {value}"


@pytest.mark.parametrize(
    ("fault", "file", "line"),
    [
        ("allow-tcp-forwarding-no-dropin", DROP_IN, 3),
        ("allow-tcp-forwarding-no-two-lines", DROP_IN, 3),
        ("allow-tcp-forwarding-no-match-user", MAIN, 13),
        ("allow-tcp-forwarding-no-match-include", "/etc/ssh/sshd_config.d/60-people.conf", 2),
        ("disable-forwarding-and-allow-no", MAIN, 10),
    ],
)
def test_a_real_host_names_its_line(fault: str, file: str, line: int) -> None:
    holds = read(said(fault))
    assert holds
    decides = holds.deciding("AllowTcpForwarding")
    assert (decides.file, decides.line, decides.value, decides.certainty) == (file, line, "no", Certainty.EXACT)
    assert decides.text.strip() == "AllowTcpForwarding no"


def test_a_real_host_that_had_an_option_names_no_line() -> None:
    holds = read(said("allow-tcp-forwarding-no-option"))
    assert holds
    decides = holds.deciding("AllowTcpForwarding")
    assert decides.on_command_line
    assert (decides.line, decides.value, decides.certainty) == (None, "no", Certainty.EXACT)


def test_a_real_host_whose_file_is_unreadable_says_nothing() -> None:
    assert read(said("allow-tcp-forwarding-no-unreadable")) is None


@pytest.mark.parametrize(
    ("fault", "keyword", "value", "line"),
    [
        ("permit-listen-5556", "PermitListen", "5556", 10),
        ("disable-forwarding-and-allow-no", "DisableForwarding", "yes", 11),
    ],
)
def test_a_real_host_on_other_keywords(fault: str, keyword: str, value: str, line: int) -> None:
    holds = read(said(fault))
    assert holds
    decides = holds.deciding(keyword)
    assert (decides.file, decides.line, decides.value, decides.certainty) == (MAIN, line, value, Certainty.EXACT)


@pytest.mark.parametrize("fault", ["allow-tcp-forwarding-no-dropin", "permit-listen-5556"])
def test_from_10_4_on_keywords_are_in_camel_case(fault: str) -> None:
    old = said(fault)
    new = re.sub(r"(?m)^(?!debug)[a-z]+", lambda word: word[0].title(), old["sshd"])
    assert "Allowtcpforwarding" in new
    assert read(old | {"sshd": new}) == read(old)


def test_the_first_value_counts() -> None:
    decides = allow(first(3, "no"), first(9, "yes"), "allowtcpforwarding no")
    assert (decides.line, decides.value) == (3, "no")


def test_the_second_pass_goes_before_the_first() -> None:
    decides = allow(
        first(3, "yes"), SECOND_PASS, first(9, "no", "reprocess config"), first(12, "yes", "reprocess config"),
        "allowtcpforwarding no",
    )  # fmt: skip
    assert (decides.file, decides.line, decides.value) == (MAIN, 9, "no")


def test_reprocess_config_is_the_main_file_whatever_its_name() -> None:
    decides = allow(
        "debug2: load_server_config: filename /opt/ssh/config", SECOND_PASS, first(9, "no", "reprocess config"),
        "allowtcpforwarding no",
    )  # fmt: skip
    assert decides.file == "/opt/ssh/config"


def test_match_all_is_active_in_both_passes() -> None:
    decides = allow(first(3, "no"), SECOND_PASS, first(3, "no", "reprocess config"), "allowtcpforwarding no")
    assert (decides.line, decides.certainty) == (3, Certainty.EXACT)


def test_a_line_of_an_include_in_a_match_block_keeps_its_file() -> None:
    decides = allow(first(1, "yes"), SECOND_PASS, first(2, "no", DROP_IN), "allowtcpforwarding no")
    assert (decides.file, decides.line) == (DROP_IN, 2)


@pytest.mark.parametrize(
    "daemon",
    [
        "/usr/sbin/sshd -D -o AllowTcpForwarding=no",
        "/usr/sbin/sshd -oAllowTcpForwarding=no -D",
        "/usr/sbin/sshd -o AllowTcpForwarding no -D",
        "/usr/sbin/sshd -o allowtcpforwarding=no -o AllowTcpForwarding=yes",
    ],
)
def test_an_option_of_the_daemon_beats_the_first_pass(daemon: str) -> None:
    decides = allow(first(3, "yes"), "allowtcpforwarding no", daemon=daemon)
    assert decides.on_command_line
    assert (decides.value, decides.certainty) == ("no", Certainty.EXACT)


def test_a_match_block_beats_an_option_of_the_daemon() -> None:
    decides = allow(
        SECOND_PASS, first(9, "no", "reprocess config"), "allowtcpforwarding no",
        daemon="/usr/sbin/sshd -o AllowTcpForwarding=yes",
    )  # fmt: skip
    assert decides.line == 9


def test_an_options_value_of_several_words() -> None:
    holds = holding("allowtcpforwarding yes", "permitlisten a:1 b:2", daemon="sshd -o PermitListen a:1 b:2 -D")
    assert holds.options == {"permitlisten": "a:1 b:2"}


def test_nothing_says_so() -> None:
    decides = allow("allowtcpforwarding yes")
    assert (decides.file, decides.line, decides.value) == ("", None, "yes")


def test_a_line_that_does_not_say_what_sshd_prints_is_not_named_for_sure() -> None:
    assert allow(first(3, "yes"), "allowtcpforwarding no").certainty is Certainty.CANDIDATES


def test_a_folder_that_the_login_cannot_read_makes_it_unsure() -> None:
    assert allow(first(3, "no"), "allowtcpforwarding no", unreadable="/etc/ssh/sshd_config.d").certainty is (
        Certainty.CANDIDATES
    )


@pytest.mark.parametrize("value", ["NO", '"no"', "no # CIS 5.2.20", "no  "])
def test_a_value_however_it_is_written(value: str) -> None:
    decides = allow(first(3, value), "allowtcpforwarding no")
    assert decides.certainty is Certainty.EXACT
    assert decides.value.lower() == "no"


@pytest.mark.parametrize(("value", "printed"), [("all", "yes"), ("ALL", "yes"), ("Local", "local")])
def test_a_value_that_sshd_prints_otherwise(value: str, printed: str) -> None:
    assert allow(first(3, value), f"allowtcpforwarding {printed}").certainty is Certainty.EXACT


@pytest.mark.parametrize("written", ["5556", "*:5556", '"5556"', "5556 # why"])
def test_a_port_alone_is_printed_with_a_star(written: str) -> None:
    holds = holding(f"debug3: {MAIN}:3 setting PermitListen {written}", "allowtcpforwarding yes", "permitlisten *:5556")
    assert holds.deciding("PermitListen").certainty is Certainty.EXACT


def test_the_lines_own_text_is_kept_with_its_neighbours() -> None:
    lines = f"@ 3 2 {MAIN}\n# why\n\tallowtcpforwarding = no\nUseDNS no"
    holds = holding(f"debug3: {MAIN}:3 setting allowtcpforwarding no", "allowtcpforwarding no", lines=lines)
    decides = holds.deciding("AllowTcpForwarding")
    assert decides.text == "\tallowtcpforwarding = no"
    assert decides.excerpt == ((2, "# why"), (3, "\tallowtcpforwarding = no"), (4, "UseDNS no"))


def test_a_file_with_a_colon_or_a_space_in_its_name() -> None:
    name = "/etc/ssh/sshd_config.d/10: mine.conf"
    decides = allow(first(3, "no", name), "allowtcpforwarding no")
    assert (decides.file, decides.line) == (name, 3)


@ALWAYS_THE_SAME
@given(st.fixed_dictionaries({name: st.text() for name in ("sshd", "daemon", "lines", "unreadable")}))
def test_whatever_a_host_answers_is_read_or_not(answers: dict[str, str]) -> None:
    read(answers | {"sshd": f"{answers['sshd']}\nallowtcpforwarding no"})


def test_the_main_file_is_the_first_that_is_loaded() -> None:
    """Included files are loaded in the same words; a Match block of the main file is in the main file all the same."""
    decides = allow(
        f"debug2: load_server_config: filename {MAIN}",
        f"debug2: {MAIN} line 2: new include /etc/ssh/sshd_config.d/*.conf",
        f"debug2: load_server_config: filename {DROP_IN}",
        first(10, "yes"),
        SECOND_PASS,
        "debug3: reprocess config:13 setting AllowTcpForwarding no",
        "allowtcpforwarding no",
    )
    assert (decides.file, decides.line, decides.value) == (MAIN, 13, "no")


@pytest.mark.parametrize("odd", ["\f", "\v", "\x1c", "\x85", "\u2028", "\r"])
def test_a_files_lines_are_counted_as_sshd_counts_them(odd: str) -> None:
    lines = f"@ 2 1 {MAIN}\n# one{odd}AllowTcpForwarding yes\nAllowTcpForwarding no"
    decides = holding(first(2, "no"), "allowtcpforwarding no", lines=lines).deciding("AllowTcpForwarding")
    assert decides.text == "AllowTcpForwarding no"
