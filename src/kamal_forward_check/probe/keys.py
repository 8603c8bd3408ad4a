"""Who we are at a login: the keys of Kamal's clients, offered in their order.

net-ssh and ssh both offer the agent's keys first and files after; with keys_only / IdentitiesOnly just those
of the agent's keys that a file names (net-ssh 7.3 KeyManager#each_identity, ssh_config(5)).
"""

from __future__ import annotations

import io
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.agent import AgentKey, AgentSSH
from paramiko.auth_strategy import InMemoryPrivateKey

from kamal_forward_check.model import Client, Given, Hop, LoginTrace
from kamal_forward_check.probe.causes import HalfLoginError, NoKeyError, UnsignedError
from kamal_forward_check.probe.hearing import HearingTransport
from kamal_forward_check.probe.offer import Offer
from kamal_forward_check.system import System, contents

_PRIVATE_KEY = re.compile(r"-----BEGIN [^-]*PRIVATE KEY-----.*?-----END [^-]*PRIVATE KEY-----", re.DOTALL)
_AGENT_SECONDS = 10
_TELLING = (HalfLoginError, UnsignedError)
"""What tells more than that a further key was refused."""
_KINDS = (
    (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
    (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
    (rsa.RSAPrivateKey, paramiko.RSAKey),
)


@dataclass(slots=True)
class KeyRing:
    """The key files and texts of one run, each read once, and why some can't be used."""

    system: System
    _read: dict[str, list[paramiko.PKey]] = field(default_factory=dict)
    _unusable: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keys(self, given: Given[str]) -> list[paramiko.PKey]:
        """The private keys in a file (`given` is its path), or in a text that holds one or several."""
        with self._lock:
            if given.value not in self._read:
                self._read[given.value] = self._load(given)
            return self._read[given.value]

    def unusable(self, given: Given[str]) -> str:
        """Why a key that is there can't be used, as `NAME why`; empty where it can, or where there is none."""
        self.keys(given)
        return self._unusable.get(given.value, "")

    def public_blob(self, given: Given[str]) -> bytes | None:
        """The public key beside (or in place of) a named file: how a key of the agent is named."""
        name = given.value if given.value.endswith(".pub") else f"{given.value}.pub"
        words = (self.system.read_text(self.system.path(name)) or "").split()
        try:
            return paramiko.pkey.PublicBlob.from_string(" ".join(words[:2])).key_blob if len(words) > 1 else None
        except ValueError:
            return None

    def _load(self, given: Given[str]) -> list[paramiko.PKey]:
        if is_text(given):
            texts = _PRIVATE_KEY.findall(given.value) or [given.value]
            return [key for text in texts for key in self._tried(given, partial(_from_text, text))]
        if given.value.endswith(".pub"):
            return []
        return self._tried(given, partial(_from_file, self.system.path(given.value)))

    def _tried(self, given: Given[str], load: Callable[[], list[paramiko.PKey]]) -> list[paramiko.PKey]:
        # Whatever goes wrong, a key's text must not be told: neither the value nor the library's words are.
        try:
            return load()
        except PermissionError:
            why = "can't be read: check the file's owner and mode"
        except OSError:
            if given.source != "--identity":  # ssh's and Kamal's own names need not be there
                return []
            why = "is no file"
        except TypeError:  # cryptography's way to ask for a passphrase
            why = "needs its passphrase: add it to the agent (ssh-add)"
        except Exception as error:  # noqa: BLE001 - a key's text is foreign; any failure means "not usable"
            why = f"is no private key that we can read ({type(error).__name__})"
        self._unusable[given.value] = f"{named(given)} {why}"
        return []


def is_text(given: Given[str]) -> bool:
    """It is a key's text, not the path of a file."""
    return "-----" in given.value or "\n" in given.value.strip()


def named(given: Given[str]) -> str:
    """A key as a person names it: its file, or where its text came from."""
    return given.source if is_text(given) else given.value


@dataclass(slots=True)
class Login:
    """One hop's login: offers keys until one opens, and remembers which. paramiko calls `authenticate`."""

    hop: Hop
    ring: KeyRing
    opened_by: str = ""
    opened_by_identity: bool = False
    offered: list[str] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)

    def authenticate(self, transport: HearingTransport) -> None:
        """Log in on `transport`.

        Raises HalfLoginError where keys were taken and more is wanted, UnsignedError where the agent does not sign,
        NoKeyError where Kamal may have a key to offer and we have not, EOFError where the connection ended, else
        what the last refused offer raised.
        """
        refused: paramiko.SSHException | None = None
        with agent_keys(self.hop.keys.agent) as held:
            for name, key, is_identity in self._offers(held):
                if not transport.is_active():
                    break
                self.offered.append(f"{name} {key.fingerprint}")
                try:
                    InMemoryPrivateKey(self.hop.user.value, key).authenticate(transport)
                except UnsignedError as error:
                    self.unsigned.append(name)
                    refused = UnsignedError(f"{name}: {error}")
                    if self.hop.dialled_by is Client.NET_SSH:  # ssh goes on to the next key
                        raise refused from error
                except paramiko.SSHException as error:
                    refused = refused if isinstance(refused, _TELLING) and transport.is_active() else error
                    if not transport.let_in:
                        continue
                else:
                    refused = HalfLoginError("the server accepted a key, and asks for more")
                self.opened_by, self.opened_by_identity = name, is_identity
                if transport.let_in:
                    return
            unusable = self._unusable(held)
        if transport.is_active() and (not refused or (unusable and not isinstance(refused, _TELLING))):
            raise NoKeyError("; ".join(unusable) or "there is no key to log in with")
        raise refused or EOFError("the connection ended during the login")

    def trace(self, offer: Offer | None) -> LoginTrace:
        """What was offered, and what the server answered to the last `offer`."""
        methods, says = (offer.methods, offer.says) if offer else ((), "")
        return LoginTrace(tuple(self.offered), tuple(self.unsigned), methods, says)

    def _offers(self, held: Sequence[AgentKey]) -> Iterator[tuple[str, paramiko.PKey, bool]]:
        keys = self.hop.keys
        files = [(given.value, key) for given in keys.files for key in self._of_file(given)]
        named_here = {key.asbytes() for _, key in files} | {self.ring.public_blob(given) for given in keys.files}
        for each in held:
            if not keys.only_named or each.asbytes() in named_here:
                yield f"agent: {each.comment or each.get_name()}", each, False
        own = {key.asbytes() for _, key in files}
        for given in keys.identities:
            for key in self.ring.keys(given):
                yield named(given), key, key.asbytes() not in own
        for given in keys.data:
            for key in self.ring.keys(given):
                yield given.source, key, False
        offered = {
            key.asbytes() for key in (*held, *(key for given in keys.identities for key in self.ring.keys(given)))
        }
        for name, key in files:
            if key.asbytes() not in offered:
                yield name, key, False

    def _of_file(self, given: Given[str]) -> list[paramiko.PKey]:
        """ssh offers a key and then its certificate (9.2); net-ssh the certificate alone (7.3, KeyManager)."""
        found = self.ring.keys(given)
        certified = [key for key in found if key.public_blob]
        return certified if certified and self.hop.dialled_by is Client.NET_SSH else found

    def _unusable(self, held: Sequence[AgentKey]) -> list[str]:
        """The keys that stayed away, and why. One that the agent holds did not."""
        keys, blobs = self.hop.keys, {own.asbytes() for own in held}
        away = [given for given in keys.files if self.ring.public_blob(given) not in blobs]
        return [why for given in (*keys.identities, *keys.data, *away) if (why := self.ring.unusable(given))]


class _Agent(AgentSSH):  # paramiko's own Agent knows only SSH_AUTH_SOCK, not IdentityAgent
    def keys_at(self, connection: socket.socket) -> list[AgentKey]:
        self._connect(connection)  # type: ignore[attr-defined]  # the stubs leave it out
        return list(self.get_keys())


@contextmanager
def agent_keys(path: str | None) -> Iterator[list[AgentKey]]:
    """The keys of the agent that listens on `path`, as long as they are used; none where nothing listens there."""
    with socket.socket(socket.AF_UNIX) as connection:
        keys = []
        with suppress(OSError, ValueError, paramiko.SSHException):
            if path:
                connection.settimeout(_AGENT_SECONDS)
                connection.connect(path)
                keys = _Agent().keys_at(connection)
        yield keys


def _from_file(path: Path) -> list[paramiko.PKey]:
    """The key in a file, and again with the certificate beside it where there is one."""
    text, certificate = contents(path).decode(), path.with_name(f"{path.name}-cert.pub")
    keys = _from_text(text)
    if certificate.is_file():
        keys += _from_text(text)
        keys[-1].load_certificate(str(certificate))
    return keys


def _from_text(text: str) -> list[paramiko.PKey]:
    """The one key of a text, in any form that ssh-keygen writes: paramiko itself reads no PKCS 8, and no text."""
    data = "\n".join([*(line.strip() for line in text.strip().splitlines()), ""]).encode()
    try:
        loaded: Any = serialization.load_ssh_private_key(data, None)
    except ValueError:
        loaded = serialization.load_pem_private_key(data, None)
    plain = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    kind = next(ours for theirs, ours in _KINDS if isinstance(loaded, theirs))
    return [kind.from_private_key(io.StringIO(plain.decode()))]
