"""Private keys that came as text, from a secret: mended where nothing can go wrong, else said what is wrong.

No message holds a piece of the text. Mended keys are in OpenSSH's own form without a passphrase, in memory alone.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

from kamal_forward_check.errors import CannotCheck

CALLED = "ssh-private-key"
PASSPHRASE = "ssh-key-passphrase"  # noqa: S105 - an input's name

_BLOCK = re.compile(
    r"-----BEGIN (?P<form>[A-Z0-9 ]*)PRIVATE KEY-----\n.*?\n-----END (?P=form)PRIVATE KEY-----", re.DOTALL
)
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_OPENSSH = "-----BEGIN OPENSSH"
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_PKCS_8 = ("", "ENCRYPTED ")
_ANEW = "store the secret anew, from the file: gh secret set NAME < KEY"
_OTHERS = (
    (r"(ssh-|ecdsa-|sk-)\S+ AAAA", "is a public key", "give the private one, the file without .pub"),
    (r"-----? BEGIN .*PUBLIC KEY|-----BEGIN .*PUBLIC KEY", "is a public key", "give the private one, without .pub"),
    (r"\S+ (ssh-|ecdsa-|sk-)\S+ AAAA", "is a line of known_hosts", "that is for ssh-known-hosts: give the private key"),
    (r"(SHA256|MD5):", "is a fingerprint", "give the private key itself: gh secret set NAME < KEY"),
    (r"-----BEGIN CERTIFICATE", "is a certificate", "give the private key of ssh: gh secret set NAME < KEY"),
    (r"-----BEGIN PGP", "is a key of GPG's", "give one of ssh's: ssh-keygen -t ed25519 makes one"),
    (
        r"PuTTY-User-Key-File",
        "is a key of PuTTY's",
        "puttygen KEY.ppk -O private-openssh -o KEY writes ssh's",
    ),
    (r"\$\{\{", "is an expression that GitHub did not evaluate", "write it unquoted: ${{ secrets.NAME }}"),
    (r"\*\*\*$", "is the mask that logs show, not the key", _ANEW),
    (r"\$\{?\w+\}?$", "is the name of a variable, which nobody expands here", "write it so: ${{ secrets.NAME }}"),
    (r"\w+://\S+$", "is an address", "fetch the key in an earlier step, and give its text"),
    (
        r"([~/.$]|[A-Za-z]:\\)[^\n]*$|[\w.-]{1,64}(/[\w.-]{1,64}){1,4}$",
        "is a path",
        "give the file's text: a container does not see the runner's files",
    ),
    (r"(-{1,4}|-{6,})BEGIN ", "has no five dashes before BEGIN", _ANEW),
)
"""How a text that is no private key begins, what it is, and what to do."""


@dataclass(frozen=True, slots=True)
class Held:
    """Keys to log in with, and what is to be known of the text that they came in."""

    text: str = field(default="", repr=False)
    notes: tuple[str, ...] = ()


def read(text: str, passphrase: str = "") -> Held:
    """The keys of `text`, one or several. Raises CannotCheck for one that can't be used, in words that say why."""
    if not text.strip():
        return Held()
    mended, notes = _mended(text)
    if passphrase.endswith(("\n", "\r")):
        notes.append(f"{PASSPHRASE} ends with a line end: it was taken away here")
        passphrase = passphrase.rstrip("\r\n")
    blocks = list(_BLOCK.finditer(mended))
    if not blocks or len(blocks) < len(_BEGIN.findall(mended)):
        raise CannotCheck(*_what_is_wrong(mended))
    if mended.startswith(_OPENSSH, blocks[0].start()) and blocks[0].start():
        notes.append(f"{CALLED} has something before its BEGIN line: it was passed over here; ssh-add refuses the key")
    keys = []
    for number, block in enumerate(blocks, 1):
        called = CALLED if len(blocks) == 1 else f"{CALLED}, key {number} of {len(blocks)}"
        keys.append(_opened(block[0], passphrase, called))
        if block["form"] in _PKCS_8:
            notes.append(
                f"{called} is in PKCS#8, which net-ssh refuses as ssh.key_data; ssh-keygen -p -f KEY writes ssh's form"
            )
    return Held("".join(keys), tuple(notes))


def _mended(text: str) -> tuple[str, list[str]]:
    """`text` as ssh would read it, and what ssh-add would not have taken."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    notes = []
    if "\r" in text:
        notes.append(f"{CALLED} has the line ends of Windows: they were mended here; ssh-add refuses the key")
    if not lines.endswith("\n"):
        notes.append(f"{CALLED} has lost its last line end: it was mended here; ssh-add refuses the key")
    stripped = "\n".join(line.strip() for line in lines.strip().split("\n")) + "\n"
    if stripped.strip() != lines.strip():
        notes.append(f"{CALLED} has blanks around its lines: they were taken away here; ssh-add refuses the key")
    return stripped, notes


def _opened(block: str, passphrase: str, called: str) -> str:
    """The key in OpenSSH's own form, without a passphrase. Raises CannotCheck."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        key = _loaded(block, passphrase, called)
    except UnsupportedAlgorithm:
        key = None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in _CURVES:
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        hint = "use Ed25519, ECDSA or RSA; ssh-keygen -y -f KEY shows whether the key is whole"
        raise CannotCheck(f"{called} is damaged, or of a kind that this check can't use", hint)
    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _loaded(block: str, passphrase: str, called: str) -> object:
    """The key. Raises CannotCheck, and UnsupportedAlgorithm for some kinds."""
    from cryptography.hazmat.primitives import serialization

    openssh = block.startswith(_OPENSSH)
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    data = f"{block}\n".encode()
    try:
        return load(data, None)
    except ValueError:
        raise CannotCheck(f"{called} is damaged between its BEGIN and END lines", _ANEW) from None
    except TypeError:  # cryptography's way to ask for a passphrase
        if not passphrase:
            hint = f"give the input {PASSPHRASE} too, or a key without a passphrase"
            raise CannotCheck(f"{called} is encrypted, and there is no passphrase", hint) from None
    try:
        return load(data, passphrase.encode())
    except ValueError:
        raise CannotCheck(f"{PASSPHRASE} does not open {called}", "try it by hand: ssh-keygen -y -f KEY") from None


def _what_is_wrong(text: str) -> tuple[str, str]:
    """What a text is that holds no whole private key, and what to do."""
    for begins, what, hint in _OTHERS:
        if re.match(begins, text.strip()):
            return f"{CALLED} {what}", hint
    if _is_encoded(text):
        return f"{CALLED} is a private key in base64", "store the key as it is: gh secret set NAME < KEY"
    return f"{CALLED} {_spoilt(text)}", _ANEW


def _spoilt(text: str) -> str:
    """What has become of a key on its way: the first of these that is so."""
    if "PRIVATE KEY" in text and not text.isascii():
        return "has characters that are no part of a key, such as a curly dash or a blank without width"
    if "\\n" in text:
        return "has the two characters \\n where its line ends should be"
    if len(_BEGIN.findall(text)) > text.count("-----END "):
        return "is cut off: its END line is missing"
    if re.search(rf"^{_BEGIN.pattern}$", text, re.MULTILINE):
        return "has an END line that does not go with its BEGIN line"
    if _BEGIN.search(text):
        return "has lost the line ends around its BEGIN and END lines"
    if "PRIVATE KEY-----" in text:
        return "has no whole BEGIN line"
    return "is no private key: it has no BEGIN line"


def _is_encoded(text: str) -> bool:
    try:
        return _BEGIN.search(base64.b64decode("".join(text.split()), validate=True).decode()) is not None
    except ValueError:  # of characters that base64 has not, and of bytes that are no text
        return False
