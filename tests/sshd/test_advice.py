"""The change and the commands that a person is told to make: they do what they say, and no more."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kamal_forward_check.model import Certainty, Role, ServerLine
from kamal_forward_check.sshd import advice, effective
from kamal_forward_check.sshd.effective import Deciding
from tests.sshd.seen import ALWAYS_THE_SAME, refused

MAIN = "/etc/ssh/sshd_config"


def line(current: str, change_to: str = "", *, file: str = MAIN, number: int | None = 3) -> ServerLine:
    return ServerLine("web-1", file, number, "AllowTcpForwarding", current, change_to, Certainty.EXACT)


def decides(text: str, value: str, keyword: str = "AllowTcpForwarding") -> Deciding:
    return Deciding(keyword, value, MAIN, 3, Certainty.EXACT, ((2, "# why"), (3, text)))


@pytest.mark.parametrize(
    ("current", "role", "wanted"),
    [
        ("no", Role.TARGET, "remote"),
        ("no", Role.JUMP, "local"),
        ("NO", Role.JUMP, "local"),
        ("local", Role.TARGET, "yes"),
        ("remote", Role.JUMP, "yes"),
        ("", Role.TARGET, "remote"),
    ],
)
def test_what_stands_is_kept_and_what_is_needed_is_added(current: str, role: Role, wanted: str) -> None:
    assert advice.allow_tcp_forwarding(current, role) == wanted


@pytest.mark.parametrize(
    ("current", "wanted", "listing"),
    [
        ("none", ["127.0.0.1:5555"], "127.0.0.1:5555"),
        ("localhost:5555", ["127.0.0.1:5555"], "localhost:5555 127.0.0.1:5555"),
        ("10.0.0.9:22", ["web-1:22", "web-2:22"], "10.0.0.9:22 web-1:22 web-2:22"),
    ],
)
def test_a_list_grows(current: str, wanted: list[str], listing: str) -> None:
    assert advice.listing(current, wanted) == listing


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("AllowTcpForwarding no", "AllowTcpForwarding remote"),
        ("\t  AllowTcpForwarding no", "\t  AllowTcpForwarding remote"),
        ("allowtcpforwarding NO", "allowtcpforwarding remote"),
        ("AllowTcpForwarding=no", "AllowTcpForwarding=remote"),
        ("AllowTcpForwarding\t=  no", "AllowTcpForwarding\t=  remote"),
        ('AllowTcpForwarding "no"', "AllowTcpForwarding remote"),
        ("AllowTcpForwarding no   # CIS 5.2.20", "AllowTcpForwarding remote   # CIS 5.2.20"),
        ("AllowTcpForwarding no \r", "AllowTcpForwarding remote"),
    ],
)
def test_a_line_is_changed_in_its_value_alone(text: str, changed: str) -> None:
    change = advice.server_line("web-1", decides(text, "no"), "remote")
    assert (change.file, change.line, change.change_to) == (MAIN, 3, changed)
    assert change.current == text.rstrip()


def test_a_list_is_changed_in_its_value_alone() -> None:
    change = advice.server_line("web-1", decides("PermitListen a:1  b:2 # x", "a:1 b:2", "PermitListen"), "a:1 b:2 c:3")
    assert change.change_to == "PermitListen a:1 b:2 c:3 # x"


def test_an_option_of_the_daemon_is_no_line_of_a_file() -> None:
    said = {"sshd": "allowtcpforwarding no", "daemon": "/usr/sbin/sshd -D -o AllowTcpForwarding=no"}
    holds = effective.read(said)
    assert holds
    change = advice.server_line("web-1", holds.deciding("AllowTcpForwarding"), "remote")
    assert (change.line, change.current, change.change_to) == (
        None, "-o AllowTcpForwarding=no", "-o AllowTcpForwarding=remote",
    )  # fmt: skip
    assert advice.commands((change,), {}) == ()


def test_where_no_line_says_so_one_is_added() -> None:
    change = advice.server_line("web-1", Deciding("AllowTcpForwarding", "no", "", None, Certainty.EXACT), "remote")
    assert (change.file, change.line, change.current) == (MAIN, None, "")
    assert change.change_to == "AllowTcpForwarding remote"
    assert advice.commands((change,), {}) == ()


def test_a_line_that_is_not_sure_is_not_edited_by_a_command() -> None:
    unsure = ServerLine("web-1", MAIN, 3, "AllowTcpForwarding", "x no", "x remote", Certainty.CANDIDATES)
    assert advice.commands((unsure,), {}) == ()


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("debian\nsystemd", "sudo systemctl reload ssh"),
        ('ubuntu\n"debian"\nsystemd', "sudo systemctl reload ssh"),
        ('"rhel"\n"fedora"\nsystemd', "sudo systemctl reload sshd"),
        ("alpine\nopenrc", "sudo rc-service sshd reload"),
        ("debian", "sudo service ssh reload"),
        ("", "sudo service sshd reload"),
    ],
)
def test_how_a_host_reads_its_files_again(release: str, command: str) -> None:
    assert advice.reload_command({"os": release}) == command


def test_commands_edit_all_lines_then_test_and_reload() -> None:
    both = (line("a no", "a remote"), line("b yes", "b no", file="/etc/ssh/sshd_config.d/x.conf"))
    *edits, last = advice.commands(both, {"os": "debian\nsystemd"})
    assert len(edits) == 2
    assert last == "sudo sshd -t && sudo systemctl reload ssh"


# The command for sed, by real sed.

PRINTABLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, blacklist_categories=["Cs", "Cc"]), max_size=20
)
HOSTILE = [
    "/",
    "\\",
    "&",
    "'",
    '"',
    "$",
    "^",
    ".*",
    "[a-z]",
    "\\(",
    "\\1",
    ";",
    "`id`",
    "$(id)",
    "!",
    "\t",
    "#",
    "%",
    "é",
]


def edit(file: Path, change: ServerLine) -> None:
    """Do what the first command says, without sudo."""
    command, *_ = advice.commands((change,), {})
    sudo, *words = shlex.split(command)
    assert sudo == "sudo"
    subprocess.run(words, check=True)
    assert file.exists()


@pytest.mark.parametrize("mark", ["", *HOSTILE])
def test_sed_changes_the_line_that_reads_as_reported(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "it's sshd_config"
    current, changed = f"  AllowTcpForwarding no # {mark}", f"  AllowTcpForwarding remote # {mark}"
    file.write_text(f"{current}\n# two\n{current}\n{current}\n", encoding="utf-8")
    edit(file, line(current, changed, file=str(file)))
    assert file.read_text(encoding="utf-8") == f"{current}\n# two\n{changed}\n{current}\n"


@pytest.mark.parametrize(
    "stands", ["AllowTcpForwarding yes", "#AllowTcpForwarding no", "AllowTcpForwarding no # new", ""]
)
def test_sed_leaves_a_line_alone_that_reads_otherwise(tmp_path: Path, stands: str) -> None:
    file = tmp_path / "sshd_config"
    text = f"AllowTcpForwarding no\n\n{stands}\n"
    file.write_text(text, encoding="utf-8")
    edit(file, line("AllowTcpForwarding no", "AllowTcpForwarding remote", file=str(file)))
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("odd", ["\f", "\x1b", "\u2028", "\udcf6"])
def test_what_can_not_be_typed_is_no_command(odd: str) -> None:
    fine, other = line("AllowTcpForwarding\tno", "AllowTcpForwarding yes"), line(f"x # {odd}", f"y # {odd}")
    assert advice.commands((fine,), {})
    assert advice.commands((fine, other), {}) == ()


def test_sed_takes_a_line_that_ends_as_in_windows(tmp_path: Path) -> None:
    file = tmp_path / "sshd_config"
    file.write_bytes(b"#\r\n#\r\nAllowTcpForwarding no\r\n")
    edit(file, line("AllowTcpForwarding no", "AllowTcpForwarding remote", file=str(file)))
    assert file.read_bytes() == b"#\r\n#\r\nAllowTcpForwarding remote\n"


@ALWAYS_THE_SAME
@given(PRINTABLE, PRINTABLE)
def test_sed_takes_whatever_a_line_may_hold(current: str, changed: str) -> None:
    assume(current.isprintable())
    [expression] = [
        word for word in shlex.split(advice.commands((line(f"x{current}", f"y{changed}"),), {})[0]) if "3s/" in word
    ]
    text = f"1\n2\nx{current}\n"
    ran = subprocess.run(["sed", expression], input=text, capture_output=True, text=True, check=True)
    assert ran.stdout == f"1\n2\ny{changed}\n"


@pytest.mark.parametrize(
    ("title", "program"),
    [
        ("/usr/sbin/sshd -D", "/usr/sbin/sshd"),
        ("/opt/openssh/sbin/sshd-2 -D", "/opt/openssh/sbin/sshd-2"),
        ("/home/deploy/sshd -D", "sshd"),
        ("/var/tmp/sshd", "sshd"),  # noqa: S108 - a text
        ("/usr/../home/sshd", "sshd"),
        ("/usr/bin/sshd;id", "sshd"),
        ("sshd -D", "sshd"),
        ("", "sshd"),
    ],
)
def test_root_runs_no_program_that_a_login_may_have_put_there(title: str, program: str) -> None:
    assert advice.daemon(refused(said={"daemon": title})).command[0] == program


def test_a_units_name_is_one_word() -> None:
    assert advice.reload_command({"service": "unit ssh;id.service"}) == "sudo systemctl reload 'ssh;id'"
