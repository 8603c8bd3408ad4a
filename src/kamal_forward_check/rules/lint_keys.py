"""KF124 and KF126: keys that the file names, and that open nothing."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator

from kamal_forward_check.model import Node, Purpose, Role
from kamal_forward_check.route.credentials import SECRETS_HOLD_KEYS
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.lint import config_of, let_in, lint, said, text
from kamal_forward_check.rules.registry import Hit


@lint("KF124", name="keys-not-for-the-jump", title="Keys that never reach the jump")
def keys_not_for_the_jump(root: Node, facts: Facts) -> Iterator[Hit]:
    """
    `ssh.keys` and `ssh.key_data` are offered to the servers alone. The jump is entered by the system's ssh,
    which offers the agent's keys, those of `~/.ssh/config` and the default files.

    ## Fix
    Load the jump's key into the agent (`ssh-add`), or name it under `Host JUMP` in `~/.ssh/config` with
    IdentityFile. Where that is so already, nothing is wrong.

    ## See it by hand
    `ssh -W SERVER:22 USER@JUMP`, with no `-i`.
    """
    ssh = root.get("ssh")
    if ssh is None or not text(ssh.get("proxy")) or let_in(facts, Purpose.PULL, Role.JUMP):
        return
    given = {key: node for key in ("keys", "key_data") if (node := ssh.get(key)) and list(node.elements())}
    if given:
        first = next(iter(given.values()))
        message = f"{' and '.join(f'`ssh/{key}`' for key in given)} reach the servers alone, and not the jump"
        fix = "Give the jump's key by the agent (ssh-add), or by IdentityFile in ~/.ssh/config."
        yield said(message, first.key or first.at, fix)


_ARMOUR = re.compile(r"-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END")
_NAME = re.compile(r"[A-Za-z_]\w{,39}")
_NO_NAME = "a text that is no secret's name"
"""What can't be a name may be a piece of a key, and is not shown."""

_ED25519 = bytes.fromhex("06032b6570")
"""Its object identifier in a PKCS#8 key (RFC 8410)."""


@lint("KF126", name="key-data-unreadable", title="A key in key_data that net-ssh can't read")
def key_data_unreadable(root: Node, facts: Facts) -> Iterator[Hit]:
    r"""
    `ssh.key_data` names secrets, from Kamal 2.10 on. Three things stop Kamal at its first login: a name that no secrets
    file has (the name itself is then taken for the key), a key on one line with `\n` in place of its line breaks, and
    an Ed25519 key in PKCS#8 (`BEGIN PRIVATE KEY`, as some password managers export it): net-ssh says
    `undefined method 'public_key'`.

    ## Fix
    Keep the key in OpenSSH's own format (`ssh-keygen -p -f FILE` rewrites it), with real line breaks, in double
    quotes or from a command: `SSH_KEY=$(cat ~/.ssh/id_ed25519)`.

    ## See it by hand
    `kamal secrets print` shows what Kamal reads.
    """
    listed = root.get("ssh", "key_data")
    for element in listed.elements() if listed else ():
        key, what = text(element), "the key in `ssh/key_data`"
        if key is None:
            continue
        if "PRIVATE KEY" not in key:
            name, key = element.shown if element.variable or _NAME.fullmatch(key) else _NO_NAME, _secret(key, facts)
            if key is None:
                fix = f"Set {name} in .kamal/secrets (Kamal 2.10 or newer reads it there), or remove it here."
                if name == _NO_NAME:
                    fix = "Name a secret here, and set it in .kamal/secrets (Kamal 2.10 or newer reads it there)."
                yield said(f"Kamal takes {name} in `ssh/key_data` for the key itself: {_why(facts)}", element.at, fix)
                continue
            what = f"the secret {name} of `ssh/key_data`"
        if trouble := _trouble(key):
            yield said(f"{what} {trouble}", element.at, "Keep it in OpenSSH's format, with real line breaks.")


def _secret(name: str, facts: Facts) -> str | None:
    """The secret's value, empty where it is not known; None where Kamal finds none."""
    return None if _is_before_secrets(facts) else facts.secrets.get(name)


def _why(facts: Facts) -> str:
    if _is_before_secrets(facts):
        return f"{config_of(facts).kamal.version} looks for no secret, and 2.10 does"
    return "no secrets file has that name"


def _is_before_secrets(facts: Facts) -> bool:
    return config_of(facts).kamal.parts < SECRETS_HOLD_KEYS


def _trouble(key: str) -> str:
    if "\\n" in key and "PRIVATE KEY" in key:
        return r"has \n in place of line breaks: net-ssh can't read it"
    if armour := _ARMOUR.search(key):
        try:
            encoded = b64decode("".join(armour[1].split()), validate=True)
        except (NotBase64, ValueError):
            return ""
        if _ED25519 in encoded[:32]:
            return "is an Ed25519 key in PKCS#8 (BEGIN PRIVATE KEY): net-ssh can't use it"
    return ""
