"""known_hosts read as OpenSSH reads it: ssh-keygen -F on names, the system's own ssh on verdicts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
from pathlib import Path

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamal_forward_check.model import HostKeyRule
from kamal_forward_check.probe.causes import (
    HostKeyChangedError,
    HostKeyError,
    HostKeyUncheckedError,
    HostKeyUnknownError,
)
from kamal_forward_check.probe.known_hosts import judge, known_keys
from kamal_forward_check.system import System
from tests.probe.servers import ME, Servers, make_key, public
from tests.sshd.seen import ALWAYS_THE_SAME

SYSTEM = System(environ={}, cwd=Path("/"), home=Path("/"))
PLAIN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO0Z3sZ7Vw5vXcQ4Yy0n3Wc6d0jvQm1mXyF1hQO8q1yZ"


def rule(*names: str, lines: str = "", accept: bool = False, accept_changed: bool = False) -> HostKeyRule:
    return HostKeyRule(names, (), accept_unknown=accept, accept_changed=accept_changed, lines=lines)


def hashed(name: str) -> str:
    """A name as HashKnownHosts writes it."""
    salt = b"salt of 20 bytes ..."
    digest = hmac.new(salt, name.encode(), "sha1").digest()
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))


PATTERNS = [
    "web-1",
    "WEB-1",
    "web-2",
    "web-1,10.0.0.5",
    "10.0.0.5,web-1",
    "web-*",
    "web-?",
    "*",
    "*.example.com",
    "web-1.example.com",
    "*,!web-1",
    "!web-1,*",
    "web-*,!web-2",
    "!web-2",
    "[web-1]:2222",
    "[web-*]:2222",
    "[web-1]:*",
    "[10.0.0.5]:22",
    "10.0.0.*",
    "[w]eb-1",
    "2001:db8::5",
    "[2001:db8::5]:2222",
    hashed("web-1"),
    hashed("[web-1]:2222"),
    hashed("10.0.0.5"),
    "|1|garbage",
    "|1|a|b|c",
    "|2|AAAA|AAAA",
]
NAMES = ["web-1", "web-2", "10.0.0.5", "web-1.example.com", "[web-1]:2222", "2001:db8::5", "[2001:db8::5]:2222"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_matched_as_ssh_keygen_matches_them(tmp_path: Path, name: str) -> None:
    file = tmp_path / "known_hosts"
    for pattern in PATTERNS:
        file.write_text(f"{pattern} {PLAIN}\n", encoding="utf-8")
        told = subprocess.run(["ssh-keygen", "-F", name, "-f", file], capture_output=True, check=False)
        ours = known_keys(rule(name, lines=file.read_text(encoding="utf-8")), SYSTEM)
        assert bool(ours) is (told.returncode == 0), pattern


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# web-1 " + PLAIN,
        "web-1",
        "web-1 ssh-ed25519",
        "web-1 ssh-ed25519 not-base64!",
        "web-1 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIO0Z",
        "web-1 1024 35 1234567890",
        f"@unknown-marker web-1 {PLAIN}",
        f"@revoked, web-1 {PLAIN}",
        "\0\0\0",
    ],
)
def test_a_line_that_is_none_is_passed_over_and_the_rest_read(line: str) -> None:
    [known] = known_keys(rule("web-1", lines=f"{line}\nweb-1 {PLAIN} comment of two words\n"), SYSTEM)
    assert f"{known.kind} {known.text}" == PLAIN


@ALWAYS_THE_SAME
@given(st.text())
def test_whatever_stands_in_the_file(text: str) -> None:
    known_keys(rule("web-1", lines=text), SYSTEM)


def test_files_and_lines_are_read_together_and_a_missing_file_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(b"\xff\xfe not utf-8\nweb-1 " + PLAIN.encode() + b"\r\n")
    both = HostKeyRule(("web-1",), (str(file), str(tmp_path / "none")), accept_unknown=False, lines=f"web-1 {PLAIN}")
    assert len(known_keys(both, SYSTEM)) == 2


# Verdicts, beside those of the system's own ssh


def verdict(known: str, names: tuple[str, ...], shown: Path) -> str:
    """What we make of a key: known, or why the client stops."""
    key = paramiko.PKey.from_path(shown)
    its = rule(*names, lines=known)
    try:
        judge(its, known_keys(its, SYSTEM), key)
    except HostKeyError as error:
        return type(error).__name__
    return "known"


def by_ssh(known: Path, host: str, port: int, key: Path) -> str:
    """What the system's own ssh makes of the same."""
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "UpdateHostKeys=no"]
    argv = ["ssh", "-F", "none", "-i", key, "-p", port, *(f"-o{o}" for o in options), f"{ME}@{host}", "true"]
    went = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    if "HOST IDENTIFICATION HAS CHANGED" in went.stderr or "REVOKED HOST KEY" in went.stderr:
        return HostKeyChangedError.__name__
    if "host key is known" in went.stderr:
        return HostKeyUnknownError.__name__
    return "known" if went.returncode == 0 else went.stderr


def test_the_verdict_is_that_of_the_systems_own_ssh(servers: Servers, tmp_path: Path) -> None:
    server = servers.sshd()
    name = f"[{server.host}]:{server.port}"
    right, wrong = public(server.folder / "host_key"), public(make_key(tmp_path / "wrong"))
    rsa = public(make_key(tmp_path / "rsa", "-t", "rsa", "-b", "2048"))
    cases = {
        "known": f"{name} {right}",
        "known among others": f"{name} {wrong}\n{name} {right}",
        "of another kind alone": f"{name} {rsa}",
        "of another kind as well": f"{name} {rsa}\n{name} {right}",
        "another key": f"{name} {wrong}",
        "nothing": "",
        "another host's": f"elsewhere {right}",
        "revoked": f"@revoked {name} {right}",
        "revoked and known": f"{name} {right}\n@revoked * {right}",
        "another one revoked": f"@revoked {name} {wrong}\n{name} {right}",
        "hashed": f"{hashed(name)} {right}",
        "garbage": f"{name} ssh-ed25519 garbage\n",
        "of SSH 1": f"{name} 1024 35 1234567890\n",
    }
    file = tmp_path / "known_hosts"
    ours, theirs = {}, {}
    for about, text in cases.items():
        file.write_text(f"{text}\n", encoding="utf-8")
        ours[about] = verdict(text, (name,), server.folder / "host_key")
        theirs[about] = by_ssh(file, server.host, server.port, servers.key)
    assert ours == theirs


def test_a_certificate_authority_leaves_the_verdict_open(key: Path) -> None:
    known = f"@cert-authority web-1 {PLAIN}"
    assert verdict(known, ("web-1",), key) == HostKeyUncheckedError.__name__
    assert verdict(f"{known}\nweb-1 {public(key)}", ("web-1",), key) == "known"
    assert verdict(f"@cert-authority web-2 {PLAIN}", ("web-1",), key) == HostKeyUnknownError.__name__


def test_what_a_client_may_accept(key: Path) -> None:
    shown = paramiko.PKey.from_path(key)
    new = rule("web-1", accept=True)
    assert judge(new, known_keys(new, SYSTEM), shown).known is False
    other = rule("web-1", lines=f"web-1 {PLAIN}", accept=True)
    with pytest.raises(HostKeyChangedError):
        judge(other, known_keys(other, SYSTEM), shown)
    lax = rule("web-1", lines=f"web-1 {PLAIN}", accept=True, accept_changed=True)
    assert judge(lax, known_keys(lax, SYSTEM), shown).known is False


def test_the_line_to_pin_is_the_one_that_makes_it_known(key: Path) -> None:
    shown = paramiko.PKey.from_path(key)
    names = ("[web-1]:2222", "10.0.0.5")
    with pytest.raises(HostKeyUnknownError) as caught:
        judge(rule(*names), (), shown)
    assert verdict(caught.value.seen.line, names, key) == "known"
    blob = base64.b64decode(public(key).split()[1])
    wanted = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    assert caught.value.seen.fingerprint == f"SHA256:{wanted}"
