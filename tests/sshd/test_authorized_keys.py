"""A line of authorized_keys: what it withholds, and that nothing of it is told but names and lists of ports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamal_forward_check.model import Role
from kamal_forward_check.sshd import advice
from kamal_forward_check.sshd.authorized_keys import options, parse
from tests.sshd.seen import ALWAYS_THE_SAME

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDs0 deploy@laptop"
CLOUD = (
    "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
    'command="echo \'Please login as the user \\"deploy\\" rather than the user \\"root\\".\';echo;sleep 1;exit 142"'
)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (KEY, ""),
        (f"restrict {KEY}", "restrict"),
        (f"restrict,port-forwarding,pty {KEY}", "restrict,port-forwarding,pty"),
        (
            f'permitlisten="localhost:5555",permitlisten="5556" {KEY}',
            'permitlisten="localhost:5555",permitlisten="5556"',
        ),
        (f'command="rsync --server, please \\"now\\"",no-pty {KEY}', "command,no-pty"),
        (f'command="ssh-ed25519 AAAA is not the key",no-pty {KEY}', "command,no-pty"),
        (f'from="10.0.0.0/8,192.0.2.1",NO-PTY   {KEY}', "from,NO-PTY"),
        (f'environment="TOKEN=secret",restrict\t{KEY}', "environment,restrict"),
        (f"{CLOUD} {KEY}", "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command"),
        (f"restrict sk-ssh-ed25519@openssh.com AAAAGnNr {KEY}", "restrict"),
        (f"restrict ecdsa-sha2-nistp256 AAAAE2Vj {KEY}", "restrict"),
    ],
)
def test_the_options_before_a_key(line: str, shown: str) -> None:
    assert str(options(line)) == shown


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# a comment",
        "#!/bin/sh",
        'cat "$1/.ssh/authorized_keys"',
        "restrict",
        f'command="open {KEY}',
        "restrict no-pty",
    ],
)
def test_a_line_without_a_key_has_no_options(line: str) -> None:
    assert str(options(line)) == ""


@pytest.mark.parametrize(
    ("shown", "withholding"),
    [
        ("", ""),
        ("restrict", "restrict"),
        ("no-port-forwarding", "no-port-forwarding"),
        ("restrict,port-forwarding", ""),
        ("port-forwarding,restrict", "restrict"),
        ("no-port-forwarding,port-forwarding", ""),
        ("port-forwarding,no-port-forwarding", "no-port-forwarding"),
        ('restrict,permitlisten="127.0.0.1:5555"', "restrict"),
        ("no-pty", ""),
        ("Restrict", "restrict"),
        ("No-Port-Forwarding,Port-Forwarding", ""),
    ],
)
def test_the_last_word_on_forwarding_counts(shown: str, withholding: str) -> None:
    assert parse(shown).withholding == withholding


SECRET = "5ecre7"  # noqa: S105 - not one
NAMES = ["command", "environment", "from", "principals", "tunnel", "expiry-time"]


@ALWAYS_THE_SAME
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.text(st.characters(blacklist_characters='"\\\n\r\0'), max_size=30))),
    st.sampled_from([KEY, f"ssh-rsa AAAAB3{SECRET} {SECRET}", SECRET, ""]),
    st.sampled_from([" ", "  ", "\t", ",", "", '"']),
)
def test_nothing_of_a_line_is_told_but_names(given_options: list[tuple[str, str]], key: str, gap: str) -> None:
    line = ",".join(f'{name}="{SECRET}{value}"' for name, value in given_options) + gap + key
    told = repr(options(line))
    assert SECRET not in told
    assert "AAAA" not in told
    assert "laptop" not in told


@ALWAYS_THE_SAME
@given(st.text())
def test_any_text_can_stand_there(line: str) -> None:
    assert parse(str(options(line))) == options(line)


FLAGS = st.sampled_from(
    [
        "restrict",
        "Restrict",
        "NO-port-forwarding",
        "no-port-forwarding",
        "port-forwarding",
        "pty",
        "command",
        'permitlisten="80"',
    ]
)


@ALWAYS_THE_SAME
@given(st.lists(FLAGS, max_size=6))
def test_a_changed_line_allows_the_forward_and_keeps_the_rest(flags: list[str]) -> None:
    before = parse(",".join(flags))
    after = parse(advice.key_line(before, Role.TARGET, ["127.0.0.1:5555"]))
    assert after.withholding == ""
    assert ("127.0.0.1:5555" in after.values("permitlisten")) is bool(before.values("permitlisten"))
    forwarding = {"no-port-forwarding", "port-forwarding"}
    kept = [pair for pair in before.pairs if pair[0].lower() not in forwarding]
    assert [p for p in after.pairs if p[0].lower() not in forwarding and p[1] != "127.0.0.1:5555"] == kept
