"""The text of ssh-known-hosts: what ssh reads in it, and what is said of the lines that it does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kamal_forward_check.known_lines import notes
from tests.action.conftest import Action
from tests.action.keys import KEY

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL6pDDDZx1eTvsxaAc1C6bgyRJTZNxZbkEYr3oDsguIA"
SALTED = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg="
GOOD = (
    *(
        f"bastion {ED25519}",
        f"[bastion]:2222 {ED25519} a comment",
        f"bastion,10.0.0.1 {ED25519}",
        f"*.lan,!x.lan {ED25519}",
    ),
    *(f"{SALTED} {ED25519}", f"@revoked * {ED25519}", f"@cert-authority *.lan {ED25519}", f"  bastion\t{ED25519}"),
    *(f"::1 {ED25519}", f"[fe80::1]:2222 {ED25519}", "# bastion:22 SSH-2.0-OpenSSH_9.6", "  ", f"bastion {ED25519}\r"),
)
BAD = (
    (ED25519, "begins with its key"),
    ("SHA256:2bbyGyLGDhGpLJyBcKnQGTWNNWqNnBpRTlgu8nSbDBM", "is a fingerprint"),
    (f"@trusted bastion {ED25519}", "there is no such marker"),
    ("@revoked", "is no line of known_hosts"),
    ("getaddrinfo bastion: Name or service not known", "is no line of known_hosts"),
    ("bastion ssh-ed25519", "is no line of known_hosts"),
    (f"bastion {ED25519[:-8]}", "its key is cut off or damaged"),
    (f"bastion {ED25519[:-7]}", "its key is cut off or damaged"),
    (f"bastion {ED25519.replace('ssh-ed25519 ', 'ssh-rsa ')}", "its key is cut off or damaged"),
    (f"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y= {ED25519}", "its hashed name is cut off"),
    (f"bastion:2222 {ED25519}", "a name with a port is written [host]:port"),
)


def known_to_ssh(line: str, folder: Path) -> bool:
    """Whether ssh-keygen finds a key for one of the names in a line."""
    file = folder / "known_hosts"
    file.write_text(f"{line}\n", encoding="utf-8", newline="")
    names = ("bastion", "[bastion]:2222", "a.lan", "::1", "[fe80::1]:2222")
    found = (
        subprocess.run(["ssh-keygen", "-l", "-F", name, "-f", file], check=False, capture_output=True) for name in names
    )
    return any(done.returncode == 0 for done in found)


def test_what_ssh_reads_is_not_remarked_on() -> None:
    assert notes("\n".join(GOOD)) == ()
    assert notes("\r\n".join(GOOD)) == ()


def test_ssh_reads_it(tmp_path: Path) -> None:
    silent = [line for line in GOOD if line.strip() and not line.startswith(("#", "|"))]
    assert [line for line in silent if not known_to_ssh(line, tmp_path)] == []


@pytest.mark.parametrize(("line", "words"), BAD)
def test_a_line_that_says_nothing_is_named_by_its_number(tmp_path: Path, line: str, words: str) -> None:
    (note,) = notes(f"# ours\r\nbastion {ED25519}\r\n{line}\r\n")
    assert note.startswith("ssh-known-hosts, line 3: ")
    assert words in note
    assert line not in note
    assert not known_to_ssh(line, tmp_path)


def test_of_many_such_lines_some_are_named() -> None:
    said = notes("oh\n" * 9)
    assert [note.partition(":")[0] for note in said] == [
        *(f"ssh-known-hosts, line {number}" for number in range(1, 6)),
        "ssh-known-hosts",
    ]
    assert "4 more" in said[-1]


@pytest.mark.parametrize(
    ("text", "words"), [(KEY, "holds a private key"), (f"a {ED25519}\\nb {ED25519}", "has the two characters")]
)
def test_another_text_is_told_by_what_it_is(text: str, words: str) -> None:
    (note,) = notes(text)
    assert words in note
    assert not [line for line in text.splitlines() if line in note]


def test_the_action_says_it_and_goes_on(action: Action) -> None:
    action.write("config/deploy.yml", "service: shop\n")
    ended = action.run(ssh_known_hosts=f"bastion {ED25519}\nbastion:2222 {ED25519}\n")
    assert ["line 2: a name with a port" in each.data for each in ended.step.named("warning")][:1] == [True]
