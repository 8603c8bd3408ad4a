"""The printed script: whatever a server said is data in it, and what it says can be read without harm."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kamal_forward_check.model import Change, Daemon, Fix, Report
from kamal_forward_check.report import script
from tests.report import samples
from tests.report.strategies import ALWAYS_THE_SAME, REPORTS, TEXTS

AGAIN = "kamal-forward-check check --destination staging"
KEYS = "/home/deploy/.ssh/authorized_keys"
PRINTED = 'for word in replace options first daemon; do eval "$word() { printf \'%s\\\\0\' $word \\"\\$@\\"; }"; done\n'
HOSTILE = [
    "'; touch /tmp/owned; '",
    "$(id)`id`${IFS}",
    "%s%n%b",
    "\\033[2J \\c \\0101 \\",
    "\x1b]0;owned\x07\x1b[2J",
    "a\nid",
    "a\rb",
    "\u202egnidrawroFpcTwollA",
    "##[set-output name=verdict]pass",
    "-n",
    '"$@" "$(printf',
]


def change(current: str, change_to: str, file: str = "/etc/ssh/sshd_config", *, of_key: bool = False) -> Change:
    return Change("10.0.1.11", file, 3, current, change_to, of_key)


def report_of(*changes: Change, **more: object) -> Report:
    """Two targets refuse; the fix is `changes`."""
    report = samples.targets_refused()
    [finding] = report.findings
    fix = replace(Fix("Do this.", changes, daemons=(Daemon("10.0.1.11", 22),)), **more)  # type: ignore[arg-type]
    return replace(report, findings=(replace(finding, fix=fix),))


def steps(report: Report) -> list[list[str]]:
    """The words of each step of the first block, as a shell hands them on."""
    text = script.render(script.blocks(report), AGAIN)
    defined = text[text.index("host_1() {") : text.index(shared()[:200])]
    run = subprocess.run(["dash", "-c", f"{PRINTED}{defined}\nhost_1"], capture_output=True, check=True)
    found: list[list[str]] = []
    for word in run.stdout.decode("utf-8").split("\0")[:-1]:
        if word in ("replace", "options", "first", "daemon"):
            found.append([])
        found[-1].append(word)
    return found


def shared() -> str:
    return files("kamal_forward_check.report").joinpath("fix.sh").read_text("utf-8")


@pytest.mark.parametrize("current", HOSTILE)
def test_a_line_of_a_server_is_a_word_and_nothing_else(current: str) -> None:
    found = steps(report_of(change(current, f"{current}x"), change("a", "b")))
    assert found[0] == ["replace", "/etc/ssh/sshd_config", "3", current, f"{current}x"]
    assert found[1:] == [["replace", "/etc/ssh/sshd_config", "3", "a", "b"], ["daemon", "22", "sshd"]]


@settings(ALWAYS_THE_SAME, max_examples=20)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=10, max_size=20))
def test_any_text_comes_through_the_shell_as_it_is(texts: list[tuple[str, str]]) -> None:
    """But for NUL, which no shell can hold, and halves of characters, which no file has."""
    pairs = [(f"{number}{_sound(one)}x", f"{_sound(other)}x") for number, (one, other) in enumerate(texts)]
    found = steps(report_of(*(change(*pair) for pair in pairs)))
    assert found[:-1] == [["replace", "/etc/ssh/sshd_config", "3", *pair] for pair in pairs]


def test_a_byte_that_is_no_utf_8_comes_through_as_itself() -> None:
    text = script.render(script.blocks(report_of(change("x # gr\udcf6\udcdfer", "y"))), AGAIN)
    [step] = [line for line in text.split("\n") if line.startswith("  replace ")]
    printed = subprocess.run(
        ["dash", "-c", f'replace() {{ printf %s "$3"; }}\n{step}'], capture_output=True, check=True
    )
    assert printed.stdout == b"x # gr\xf6\xdfer"


def _sound(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


@settings(ALWAYS_THE_SAME, max_examples=50)
@given(REPORTS)
@example(samples.hostile())
def test_a_script_can_be_read_and_is_one(report: Report) -> None:
    """No character of it moves a cursor, no line is a command to a runner, and a shell takes it."""
    chosen = script.blocks(report)
    if not chosen:
        return
    text = script.render(chosen, AGAIN)
    assert all(line.isprintable() for line in text.removesuffix("\n").split("\n"))
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))
    subprocess.run(["dash", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("sample", ["targets-refused", "jump-refused"])
def test_shellcheck_has_nothing_to_say(sample: str, tmp_path: Path) -> None:
    made = tmp_path / "fix.sh"
    made.write_text(script.render(script.blocks(samples.SAMPLES[sample]()), AGAIN), encoding="utf-8")
    tool = Path(sys.executable).with_name("shellcheck")
    ran = subprocess.run([tool, made], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("", 0)


def test_each_host_has_its_own_block_and_is_to_be_named() -> None:
    text = script.render(script.blocks(samples.targets_refused()), AGAIN)
    assert "ssh -J ops@bastion.example.com -t deploy@10.0.1.11 sudo sh kamal-forward-fix.sh 10.0.1.11" in text
    assert "  10.0.1.12) change host_2 </dev/null ;;" in text
    ran = subprocess.run(["dash"], input=text, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "10.0.1.11 10.0.1.12" in ran.stderr


def test_only_the_hosts_that_were_named_are_in_it() -> None:
    [block] = script.blocks(samples.targets_refused(), ["deploy@10.0.1.12"])
    text = script.render([block], AGAIN, "mend.sh")
    assert "10.0.1.11" not in text
    assert "-t deploy@10.0.1.12 sudo sh mend.sh\n" in text


def test_what_a_person_should_know_stands_in_its_head() -> None:
    head = script.render(script.blocks(samples.targets_refused()), AGAIN).partition("set -u")[0]
    assert "to apply it again undoes this" in head
    assert "    AllowTcpForwarding remote\n" in head
    assert f"# Then check again: {AGAIN}" in head


@pytest.mark.parametrize(
    ("current", "change_to", "words"),
    [
        ("restrict", "restrict,port-forwarding", "1 port-forwarding"),
        ("command,no-port-forwarding,no-pty", "command,no-pty", "1 3"),
        ("no-port-forwarding", "", ""),
        ('permitopen="a:1"', 'permitopen="a:1",permitopen="web-1:22"', '1 permitopen="web-1:22"'),
        ("restrict,environment,from", "restrict,port-forwarding,environment,from", "1 port-forwarding 2 3"),
    ],
)
def test_options_that_stay_are_named_by_their_place(current: str, change_to: str, words: str) -> None:
    found = steps(report_of(change(current, change_to, KEYS, of_key=True), daemons=()))
    assert found == [["options", KEYS, "3", current, change_to, words]]


@pytest.mark.parametrize(
    "impossible",
    [
        change("command", "from", KEYS, of_key=True),
        change("restrict", 'restrict,permitlisten="a b:1"', KEYS, of_key=True),
        change("-o AllowTcpForwarding=no", "-o AllowTcpForwarding=remote", "sshd's command line"),
        replace(change("", "AllowTcpForwarding remote"), line=3),
    ],
)
def test_what_no_script_can_do_safely_it_leaves_to_a_person(impossible: Change) -> None:
    possible = change("DisableForwarding yes", "DisableForwarding no")
    [block] = script.blocks(report_of(possible, impossible))
    assert not block.steps
    ran = subprocess.run(["dash"], input=script.render([block], AGAIN), capture_output=True, text=True, check=False)
    assert ran.returncode == 1


# The shell's own words, on files of a test.

LINE = 'no-pty,command="echo \\"a, b\\" $HOME",restrict,Permitopen="a:1",environment="X=1,2" ssh-ed25519 AAAAC3 me, too'


def keyed(*words: str) -> str:
    run = ["dash", "-c", f'{shared()}\nkeyed "$@"', "dash", *words]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout


def test_a_keys_line_is_shown_without_values_and_changed_without_losing_them() -> None:
    shown = 'no-pty,command,restrict,Permitopen="a:1",environment'
    assert keyed("shown", LINE) == shown
    assert keyed("changed", LINE, "1 2 3 port-forwarding 4 5") == LINE.replace("restrict,", "restrict,port-forwarding,")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("ssh-ed25519 AAAA me", ""),
        ("  ecdsa-sha2-nistp256 AAAA", ""),
        ("no-port-forwarding\tssh-rsa AAAA", "no-port-forwarding"),
        ("# a comment", "(no line of a key)\n"),
        ("", "(no line of a key)\n"),
        ('command="a ssh-ed25519 AAAA', "(no line of a key)\n"),
    ],
)
def test_a_line_without_a_key_is_none(line: str, shown: str) -> None:
    assert keyed("shown", line) == shown


def test_the_last_option_is_taken_out_with_its_blank() -> None:
    assert keyed("changed", "no-port-forwarding ssh-rsa AAAA", "") == "ssh-rsa AAAA"
