"""What sshd says of the key, and what follows from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamal_forward_check.model import Aside, AsideAnswer
from kamal_forward_check.sshd import wire
from kamal_forward_check.sshd.wire import STREAMLOCAL_DISABLED, KeyOptions, key_options
from tests.sshd.seen import ALWAYS_THE_SAME, OPENSSH

FILE = "/home/deploy/.ssh/authorized_keys"
ALL = "agent-forwarding port-forwarding pty user-rc x11-forwarding"


def test_a_plain_key() -> None:
    assert key_options([f"{FILE}:3: key options: {ALL}"]) == KeyOptions(FILE, 3, frozenset(ALL.split()))


def test_a_key_without_any_right() -> None:
    told = key_options([f"{FILE}:3: key options:"])
    assert told == KeyOptions(FILE, 3, frozenset())
    assert not told.forwarding


def test_a_key_with_a_command() -> None:
    told = key_options([f"{FILE}:1: key options: command port-forwarding"])
    assert told
    assert told.command
    assert told.forwarding


def test_a_certificate_has_no_line() -> None:
    told = key_options([f"cert: key options: {ALL}"])
    assert told == KeyOptions("", 0, frozenset(ALL.split()), of_certificate=True)


@pytest.mark.parametrize(
    ("of_line", "of_certificate", "withholds"),
    [(ALL, "pty", "the certificate"), ("pty", ALL, "the line"), ("pty", "pty", "the line"), (ALL, ALL, "")],
    ids=["the certificate withholds", "the line withholds", "both withhold", "neither withholds"],
)
def test_a_right_of_a_cert_authority_must_be_in_both_of_its_lines(
    of_line: str, of_certificate: str, withholds: str
) -> None:
    told = key_options([f"{FILE}:7: key options: {of_line}", f"{FILE}:7: key options: {of_certificate}"])
    assert told
    assert (told.file, told.line) == (("", 0) if withholds == "the certificate" else (FILE, 7))
    assert told.of_certificate is (withholds == "the certificate")
    assert told.forwarding is not bool(withholds)


def test_what_either_line_of_a_cert_authority_imposes_holds() -> None:
    told = key_options([f"{FILE}:7: key options: command {ALL}", f"{FILE}:7: key options: permitlisten {ALL}"])
    assert told
    assert told.names == {*ALL.split(), "command", "permitlisten"}


@pytest.mark.parametrize("debug", [[], ["Server has disabled port forwarding."], ["Agent forwarding disabled."]])
def test_nothing_told(debug: list[str]) -> None:
    assert key_options(debug) is None


@pytest.mark.parametrize(
    ("sentences", "forwards", "command"),
    [
        (["Port forwarding disabled."], False, False),
        (["Agent forwarding disabled.", "Port forwarding disabled.", "Pty allocation disabled."], False, False),
        (["Key is restricted."], False, False),
        (["Key is restricted.", "Port forwarding enabled."], True, False),
        (["Forced command."], True, True),
        (["Forced command.", "Port forwarding disabled."], False, True),
    ],
)
def test_a_key_as_an_sshd_before_7_7_tells_it(sentences: list[str], forwards: bool, command: bool) -> None:  # noqa: FBT001
    told = key_options(sentences)
    assert told
    assert (told.forwarding, told.command, told.file, told.of_certificate) == (forwards, command, "", False)


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("SSH-2.0-OpenSSH_7.4", True),
        ("SSH-2.0-OpenSSH_6.6.1p1 Ubuntu-2ubuntu2.13", True),
        ("SSH-2.0-OpenSSH_7.7p1", False),
        ("SSH-2.0-OpenSSH_10.0p2 Debian-7", False),
        ("SSH-2.0-dropbear_2022.83", False),
    ],
)
def test_an_old_version(version: str, old: bool) -> None:  # noqa: FBT001
    assert wire.is_old(version) is old


@ALWAYS_THE_SAME
@given(st.lists(st.text()))
def test_a_hostile_server_can_say_what_it_likes(debug: list[str]) -> None:
    told = key_options(debug)
    assert told is None or told.line >= 0


@ALWAYS_THE_SAME
@given(st.text(), st.text())
def test_a_hostile_path_or_option_ends_nothing(path: str, names: str) -> None:
    key_options([f"{path}:1: key options: {names}"])


@pytest.mark.parametrize(
    ("version", "name", "openssh"),
    [
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3", "OpenSSH 9.2p1", True),
        ("SSH-2.0-OpenSSH_for_Windows_9.5", "OpenSSH for_Windows_9.5", True),
        ("SSH-2.0-dropbear_2022.83", "dropbear 2022.83", False),
        ("SSH-2.0-", "", False),
        ("", "", False),
    ],
)
def test_a_version(version: str, name: str, openssh: bool) -> None:  # noqa: FBT001
    assert wire.version_name(version) == name
    assert wire.is_openssh(version) is openssh


def test_a_question_that_was_not_asked_has_no_answer() -> None:
    assert wire.streamlocal_disabled({}, OPENSSH) is None
    assert wire.opens_channels({}) is None


@pytest.mark.parametrize(
    ("answer", "opens"),
    [
        (AsideAnswer(granted=True), True),
        (AsideAnswer(granted=False, code=2), True),
        (AsideAnswer(granted=False, code=1), False),
    ],
    ids=["opened", "allowed but nobody there", "prohibited"],
)
def test_policy_is_told_from_a_port_without_a_listener(answer: AsideAnswer, opens: bool) -> None:  # noqa: FBT001
    assert wire.opens_channels({Aside.OWN_SSHD: answer}) is opens


def test_streamlocal_is_off_only_where_sshd_says_so() -> None:
    said = AsideAnswer(granted=False, debug=(STREAMLOCAL_DISABLED,))
    assert wire.streamlocal_disabled({Aside.STREAMLOCAL: said}, OPENSSH) is True
    allowed = AsideAnswer(granted=False, debug=(wire.PERMIT_REFUSED,))
    assert wire.streamlocal_disabled({Aside.STREAMLOCAL: allowed}, OPENSSH) is False


@pytest.mark.parametrize(
    ("version", "told"),
    [(OPENSSH, False), ("SSH-2.0-OpenSSH_8.2p1", False), ("SSH-2.0-OpenSSH_7.4", None), ("SSH-2.0-other", None)],
)
def test_silence_on_streamlocal_says_something_of_an_sshd_that_tells(version: str, told: bool | None) -> None:  # noqa: FBT001
    assert wire.streamlocal_disabled({Aside.STREAMLOCAL: AsideAnswer(granted=False)}, version) is told
