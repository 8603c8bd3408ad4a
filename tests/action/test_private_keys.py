"""Keys as secrets hold them, well and badly."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from kamal_forward_check import private_keys
from kamal_forward_check.errors import CannotCheck
from tests.action.conftest import Action
from tests.action.keys import KEY

PASSPHRASE = "correct horse"  # noqa: S105 - of a key that is made here
KINDS = {"ed25519": ("-t", "ed25519"), "ecdsa": ("-t", "ecdsa"), "rsa": ("-t", "rsa", "-b", "2048")}


def make(folder: Path, *how: str, passphrase: str = "", name: str = "key") -> str:
    """A key of ssh-keygen's."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-N", passphrase, "-C", "", "-f", path, *how], check=True, timeout=60)
    return path.read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


def public(key: str, folder: Path) -> str:
    """What ssh itself makes of a key."""
    path = folder / "written"
    path.touch(0o600)
    path.write_text(key)
    done = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", path], check=True, capture_output=True, timeout=60)
    return done.stdout.decode()


def test_a_key_is_held_as_it_is(folder: Path) -> None:
    held = private_keys.read(KEY)
    assert held.notes == ()
    assert public(held.text, folder) == public(KEY, folder)
    assert "PRIVATE" not in repr(held)


def test_several_keys_are_held_in_their_order(folder: Path) -> None:
    made = [make(folder, *how, name=f"one-of-{name}") for name, how in KINDS.items()]
    held = private_keys.read("\n# the next\n".join(made))
    assert held.notes == ()
    kept = [
        f"{text}-----END OPENSSH PRIVATE KEY-----\n" for text in held.text.split("-----END OPENSSH PRIVATE KEY-----\n")
    ]
    assert [public(text, folder) for text in kept[:-1]] == [public(text, folder) for text in made]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda key: key.replace("\n", "\r\n"), "line ends of Windows"),
        (lambda key: key.rstrip("\n"), "lost its last line end"),
        (lambda key: "".join(f"  {line}\n" for line in key.splitlines()), "blanks around its lines"),
        (lambda key: f'"{key}"\n', "something before its BEGIN line"),
        (lambda key: f"\ufeff{key}", "something before its BEGIN line"),
    ],
    ids=["crlf", "no last line end", "indented", "in quotes", "byte order mark"],
)
def test_what_is_mended_is_said(folder: Path, spoil: object, words: str) -> None:
    assert callable(spoil)
    held = private_keys.read(spoil(KEY))
    (note,) = held.notes
    assert words in note
    assert public(held.text, folder) == public(KEY, folder)


@pytest.mark.parametrize("how", [(), ("-m", "PEM"), ("-m", "PKCS8")], ids=["openssh", "pem", "pkcs8"])
@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_every_form_is_read_with_its_passphrase(tmp_path: Path, kind: str, how: tuple[str, ...]) -> None:
    key = make(tmp_path, *KINDS[kind], *how, passphrase=PASSPHRASE)
    held = private_keys.read(key, PASSPHRASE)
    told = (tmp_path / "key.pub").read_text().split()[:2]
    assert public(held.text, tmp_path).split()[:2] == told
    assert ["PKCS#8" in note for note in held.notes] == [True] * ("PKCS8" in how)
    with pytest.raises(CannotCheck, match="is encrypted, and there is no passphrase"):
        private_keys.read(key)
    with pytest.raises(CannotCheck, match="ssh-key-passphrase does not open ssh-private-key"):
        private_keys.read(key, "another")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@here", "is a public key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none", "is a key of PuTTY's"),
        ("${{ secrets.DEPLOY_KEY }}", "is an expression that GitHub did not evaluate"),
        ("***", "is the mask that logs show"),
        ("~/.ssh/id_ed25519", "is a path"),
        ("hunter2", "is no private key: it has no BEGIN line"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", "is a public key"),
        ("bastion ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "is a line of known_hosts"),
        ("SHA256:2bbyGyLGDhGpLJyBcKnQGTWNNWqNnBpRTlgu8nSbDBM", "is a fingerprint"),
        ("-----BEGIN CERTIFICATE-----\nMIIC", "is a certificate"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ", "is a key of GPG's"),
        ("$DEPLOY_KEY", "is the name of a variable"),
        ("op://vault/item/key", "is an address"),
        ("C:\\Users\\me\\.ssh\\id_rsa", "is a path"),
        ("$HOME/.ssh/id_rsa", "is a path"),
        ("config/keys/deploy", "is a path"),
    ],
)
def test_what_is_no_private_key_is_told_by_what_it_is(text: str, words: str) -> None:
    with pytest.raises(CannotCheck, match=words):
        private_keys.read(text)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda key: key.replace("\n", "\\n"), "has the two characters"),
        (lambda key: key.replace("\n", " "), "has lost the line ends"),
        (lambda key: key[: len(key) // 2], "is cut off: its END line is missing"),
        (lambda key: key.partition("\n")[2], "has no whole BEGIN line"),
        (lambda key: base64.b64encode(key.encode()).decode(), "is a private key in base64"),
        (lambda key: key.replace(key.splitlines()[2], "AAAA"), "is damaged"),
        (lambda key: key + key[: len(key) // 2], "is cut off"),
        (lambda key: key.replace("\n", ""), "has lost the line ends"),
        (lambda key: base64.encodebytes(key.encode()).decode(), "is a private key in base64"),
        (lambda key: key.replace("-----", "\u2014"), "has characters that are no part of a key"),
        (lambda key: key.replace("\n", "\u200b\n"), "has characters that are no part of a key"),
        (lambda key: key.replace("-----", "----"), "has no five dashes before BEGIN"),
        (lambda key: key.replace("END OPENSSH", "END RSA"), "has an END line that does not go with its BEGIN line"),
        (lambda key: '{"key": "' + key.replace("\n", "\\n") + '"}', "has the two characters"),
    ],
    ids=[
        *("backslash n", "one line", "half", "headless", "base64", "damaged", "one and a half", "no line end at all"),
        *("base64 in lines", "curly dashes", "no width", "four dashes", "another end", "json"),
    ],
)
def test_a_spoilt_key_is_told_how_and_not_shown(spoil: object, words: str) -> None:
    assert callable(spoil)
    with pytest.raises(CannotCheck, match=words) as told:
        private_keys.read(spoil(KEY))
    shown = f"{told.value.message} {told.value.hint}"
    assert not [line for line in KEY.splitlines() if line in shown]


def test_what_ssh_add_refuses_of_it_is_said_rightly(folder: Path) -> None:
    """Each repair is told as one that ssh-add would not make: held against ssh's own reading."""
    for number, spoilt in enumerate(
        (KEY.replace("\n", "\r\n"), KEY.rstrip("\n"), f" {KEY}", f'"{KEY}"\n', f"\ufeff{KEY}")
    ):
        path = folder / f"spoilt-{number}"
        path.touch(0o600)
        path.write_bytes(spoilt.encode())
        assert subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", path], check=False, capture_output=True).returncode


def test_a_passphrase_that_took_its_line_end_along_opens_the_key(tmp_path: Path) -> None:
    held = private_keys.read(make(tmp_path, passphrase=PASSPHRASE), f"{PASSPHRASE}\n")
    assert ["ends with a line end" in note for note in held.notes] == [True]


def test_a_kind_that_ssh_does_not_have_is_said_to_be_one(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    with pytest.raises(CannotCheck, match="of a kind that this check can't use"):
        private_keys.read(ec.generate_private_key(ec.SECP256K1()).private_bytes(*form).decode())
    assert not list(tmp_path.iterdir())


def test_no_key_is_no_fault() -> None:
    assert private_keys.read(" \n") == private_keys.Held()


def test_the_action_says_what_it_mended_and_what_it_cannot_use(action: Action) -> None:
    action.write("config/deploy.yml", "service: shop\n")
    mended = action.run(ssh_private_key=KEY.rstrip("\n"))
    assert ["lost its last line end" in each.data for each in mended.step.named("warning")] == [True]
    refused = action.run(ssh_private_key=KEY[:99], ssh_key_passphrase=PASSPHRASE)
    assert refused.status == 2
    assert "is cut off" in refused.step.named("error")[0].data
    assert PASSPHRASE in {mask.data for mask in refused.step.named("add-mask")}
    assert PASSPHRASE not in "\n".join(refused.step.text)


@pytest.mark.parametrize("with_key", [False, True])
def test_an_agent_out_of_reach_is_said_where_there_is_no_key(action: Action, *, with_key: bool) -> None:
    action.write("config/deploy.yml", "service: shop\n")
    action.environ["SSH_AUTH_SOCK"] = "/tmp/ssh-XXXX/agent.1"  # noqa: S108 - as an earlier step's agent names it
    ended = action.run(ssh_private_key=KEY if with_key else "")
    said = [each.data for each in ended.step.named("warning") if "SSH_AUTH_SOCK" in each.data]
    assert ["runner.temp" in text for text in said] == [True] * (not with_key)
