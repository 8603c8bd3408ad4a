"""Which keys are offered, in which order, and what becomes of those that can't be: with a real ssh-agent."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kamal_forward_check.model import Given, Keys, Role
from kamal_forward_check.probe.keys import KeyRing, Login, agent_keys
from kamal_forward_check.system import System
from tests.probe.servers import agent, make_key
from tests.sshd.seen import hop

SOURCE = "ssh-private-key"
CERTIFIED = "ssh-ed25519-cert-v01@openssh.com"


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(System(environ={}, cwd=tmp_path, home=tmp_path))


def offers(ring: KeyRing, keys: Keys) -> list[str]:
    """The names of the keys that a hop is offered, in order."""
    login = Login(hop(Role.TARGET, keys=keys), ring)
    with agent_keys(keys.agent) as held:
        return [name for name, _, _ in login._offers(held)]  # noqa: SLF001 - the order is what counts here


def files(*paths: Path | str) -> tuple[Given[str], ...]:
    return tuple(Given(str(path), "ssh.keys") for path in paths)


def text(*keys: Path) -> Given[str]:
    return Given("\n".join(key.read_text(encoding="ascii") for key in keys), SOURCE)


def test_the_agent_comes_first_then_what_stands_for_it_then_data_then_files(ring: KeyRing, tmp_path: Path) -> None:
    in_agent, given, data, file = (make_key(tmp_path / name) for name in ("in-agent", "given", "data", "file"))
    with agent(tmp_path, in_agent) as socket:
        keys = Keys(
            files=files(file), data=(Given(data.read_text(encoding="ascii"), "ssh.key_data"),),
            identities=(Given(str(given), "--identity"),), agent=socket,
        )  # fmt: skip
        assert offers(ring, keys) == ["agent: in-agent", str(given), "ssh.key_data", str(file)]


def test_a_file_that_the_agent_holds_is_offered_once(ring: KeyRing, tmp_path: Path) -> None:
    key, other = make_key(tmp_path / "key"), make_key(tmp_path / "other")
    with agent(tmp_path, other, key) as socket:
        assert offers(ring, Keys(files=files(key), agent=socket)) == ["agent: other", "agent: key"]


@pytest.mark.parametrize("named", ["key", "key.pub"], ids=["by its private file", "by its public file"])
def test_keys_only_takes_of_the_agents_keys_those_that_a_file_names(ring: KeyRing, tmp_path: Path, named: str) -> None:
    key, other = make_key(tmp_path / "key"), make_key(tmp_path / "other")
    with agent(tmp_path, other, key) as socket:
        key.unlink()  # the agent alone has it
        assert offers(ring, Keys(files=files(tmp_path / named), agent=socket, only_named=True)) == ["agent: key"]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
def test_every_form_of_a_key_is_read_from_a_file_and_from_a_text(
    ring: KeyRing, tmp_path: Path, kind: str, form: str
) -> None:
    key = make_key(tmp_path / "key", "-t", kind, "-m", form, *(["-b", "2048"] if kind == "rsa" else []))
    [from_file] = ring.keys(*files(key))
    [from_text] = ring.keys(text(key))
    assert from_file.asbytes() == from_text.asbytes()
    blob = (tmp_path / "key.pub").read_text(encoding="ascii").split()[1]
    assert from_file.get_base64() == blob


def test_a_text_may_hold_several_keys(ring: KeyRing, tmp_path: Path) -> None:
    keys = [make_key(tmp_path / "one"), make_key(tmp_path / "two", "-t", "ecdsa", "-m", "PEM")]
    assert len(ring.keys(text(*keys))) == 2


@pytest.mark.parametrize(
    "spoil",
    [lambda text: text.replace("\n", "\r\n"), lambda text: text.rstrip("\n"), lambda text: f"\n\n  {text}\n\n"],
    ids=["line ends of Windows", "no end of line", "blank lines round it"],
)
def test_a_text_as_secrets_come_out_of_a_form(ring: KeyRing, tmp_path: Path, spoil: object) -> None:
    key = make_key(tmp_path / "key")
    assert callable(spoil)
    spoilt = spoil(key.read_text(encoding="ascii"))
    assert len(ring.keys(Given(spoilt, SOURCE))) == 1
    (tmp_path / "spoilt").write_bytes(spoilt.strip().encode() + b"\n")
    assert len(ring.keys(*files(tmp_path / "spoilt"))) == 1


@pytest.mark.parametrize("as_text", [False, True], ids=["file", "text"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM"])
def test_a_key_with_a_passphrase_says_so(ring: KeyRing, tmp_path: Path, form: str, as_text: bool) -> None:  # noqa: FBT001
    kind = "ecdsa" if form == "PEM" else "ed25519"
    key = make_key(tmp_path / "key", "-t", kind, "-m", form, "-N", "five words or so")
    given = text(key) if as_text else files(key)[0]
    assert ring.keys(given) == []
    assert ring.unusable(given) == f"{SOURCE if as_text else key} needs its passphrase: add it to the agent (ssh-add)"


SECRET = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ"  # noqa: S105 - a key's first bytes


@pytest.mark.parametrize(
    "value",
    [
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\\n{SECRET}\\n-----END OPENSSH PRIVATE KEY-----",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}",
        f"{SECRET}\n{SECRET}",
        f"-----BEGIN CERTIFICATE-----\n{SECRET * 20}\n-----END CERTIFICATE-----",
    ],
)
def test_a_text_that_is_no_key_is_not_told(ring: KeyRing, value: str) -> None:
    given = Given(value, SOURCE)
    assert ring.keys(given) == []
    assert ring.unusable(given).startswith(f"{SOURCE} is no private key that we can read")
    assert SECRET not in ring.unusable(given)


def test_a_text_without_any_mark_of_one_is_not_told_either(ring: KeyRing) -> None:
    given = Given(SECRET * 20, SOURCE)
    assert ring.keys(given) == []
    assert SECRET not in ring.unusable(given)


def test_a_name_that_need_not_be_there_is_passed_over(ring: KeyRing, tmp_path: Path) -> None:
    for given in (Given("~/.ssh/id_rsa", "default"), Given(str(tmp_path), "ssh.keys"), Given("x/" * 3000, "ssh.keys")):
        assert ring.keys(given) == []
        assert ring.unusable(given) == ""


def test_a_file_that_was_asked_for_and_is_not_there_says_so(ring: KeyRing) -> None:
    given = Given("nowhere/id", "--identity")
    assert ring.keys(given) == []
    assert ring.unusable(given) == "nowhere/id is no file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read_says_so(ring: KeyRing, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    key.chmod(0)
    assert ring.keys(*files(key)) == []
    assert "can't be read" in ring.unusable(*files(key))


@pytest.mark.parametrize(
    ("role", "offered"), [(Role.JUMP, ["", CERTIFIED]), (Role.TARGET, [CERTIFIED])], ids=["ssh", "net-ssh"]
)
def test_a_certificate_beside_a_key(ring: KeyRing, tmp_path: Path, role: Role, offered: list[str]) -> None:
    authority, key = make_key(tmp_path / "authority"), make_key(tmp_path / "key")
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", "deploy", f"{key}.pub"], check=True)
    kinds = Login(hop(role, keys=Keys(files=files(key))), ring)._offers([])  # noqa: SLF001 - as above
    assert [key.public_blob.key_type if key.public_blob else "" for _, key, _ in kinds] == offered


@pytest.mark.parametrize("path", [None, "", "/nowhere/agent"])
def test_no_agent_has_no_keys(path: str | None) -> None:
    with agent_keys(path) as held:
        assert held == []


def test_keys_are_read_once(ring: KeyRing, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    before = ring.keys(*files(key))
    key.unlink()
    assert ring.keys(*files(key)) is before


def test_a_text_is_never_shown_by_accident(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    shown = repr(Keys(data=(text(key),), identities=(text(key),)))
    assert "PRIVATE" not in shown
