"""Who we are at a login: the keys of Kamal's clients, offered in their order.

net-ssh and ssh both offer the agent's keys first and files after; with keys_only / IdentitiesOnly just those
of the agent's keys that a file names (net-ssh 7.3 KeyManager#each_identity, ssh_config(5)).
"""

from __future__ import annotations

import io
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import paramiko
from paramiko.agent import AgentKey, AgentSSH
from paramiko.auth_strategy import InMemoryPrivateKey

from kamal_forward_check.model import Given, Hop
from kamal_forward_check.probe.causes import NoKeyError
from kamal_forward_check.system import System

_PRIVATE_KEY = re.compile(r"-----BEGIN [^-]*PRIVATE KEY-----.*?-----END [^-]*PRIVATE KEY-----", re.DOTALL)


@dataclass(slots=True)
class KeyRing:
    """The key files and texts of one run, each read once, and why some can't be used."""

    system: System
    unusable: dict[str, str] = field(default_factory=dict)
    _read: dict[str, list[paramiko.PKey]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keys(self, given: Given[str]) -> list[paramiko.PKey]:
        """The private keys in a file (`given` is its path), or in a text that holds one or several."""
        with self._lock:
            if given.value not in self._read:
                self._read[given.value] = self._load(given)
            return self._read[given.value]

    def public_blob(self, given: Given[str]) -> bytes | None:
        """The public key beside (or in place of) a named file: how a key of the agent is named."""
        name = given.value if given.value.endswith(".pub") else f"{given.value}.pub"
        words = (self.system.read_text(self.system.path(name)) or "").split()
        try:
            return paramiko.pkey.PublicBlob.from_string(" ".join(words[:2])).key_blob if len(words) > 1 else None
        except ValueError:
            return None

    def _load(self, given: Given[str]) -> list[paramiko.PKey]:
        texts = _PRIVATE_KEY.findall(given.value)
        if texts:
            return [key for text in texts for key in self._tried(given.source, lambda text=text: _from_text(text))]
        path = self.system.path(given.value)
        if given.value.endswith(".pub") or not path.is_file():
            if given.source == "--identity":
                self.unusable[given.value] = "no such private key file"
            return []
        return self._tried(given.value, lambda: paramiko.PKey.from_path(path))

    def _tried(self, name: str, load: Callable[[], paramiko.PKey]) -> list[paramiko.PKey]:
        try:
            return [load()]
        except (paramiko.PasswordRequiredException, TypeError):  # cryptography's way to ask for a passphrase
            self.unusable[name] = "needs its passphrase: add it to the agent (ssh-add)"
        except PermissionError:
            self.unusable[name] = "can't be read: check the file's owner and mode"
        except Exception as error:  # noqa: BLE001 - a key's text is foreign; any failure means "not usable"
            self.unusable[name] = f"is no private key that we can read ({type(error).__name__})"
        return []


@dataclass(slots=True)
class Login:
    """One hop's login: offers keys until one opens, and remembers which. paramiko calls `authenticate`."""

    hop: Hop
    ring: KeyRing
    opened_by: str = ""
    opened_by_identity: bool = False

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Log in on `transport`.

        Raises NoKeyError where there is nothing to offer, EOFError where the connection ended, else what
        the last refused offer raised.
        """
        refused: paramiko.SSHException | None = None
        for name, key, is_identity in self._offers():
            if not transport.is_active():
                break
            try:
                InMemoryPrivateKey(self.hop.user.value, key).authenticate(transport)
            except paramiko.SSHException as error:
                refused = error
                continue
            self.opened_by, self.opened_by_identity = name, is_identity
            return
        if refused:
            raise refused
        if not transport.is_active():
            raise EOFError("the connection ended during the login")
        raise NoKeyError("; ".join(f"{name} {why}" for name, why in self.ring.unusable.items()))

    def _offers(self) -> Iterator[tuple[str, paramiko.PKey, bool]]:
        keys = self.hop.keys
        files = [(given.value, key) for given in keys.files for key in self.ring.keys(given)]
        named = {key.asbytes() for _, key in files} | {self.ring.public_blob(given) for given in keys.files}
        agent = agent_keys(keys.agent)
        for key in agent:
            if not keys.only_named or key.asbytes() in named:
                yield f"agent: {key.comment or key.get_name()}", key, False
        for given in keys.identities:
            for key in self.ring.keys(given):
                yield given.source if "PRIVATE KEY" in given.value else given.value, key, True
        for given in keys.data:
            for key in self.ring.keys(given):
                yield given.source, key, False
        held = {key.asbytes() for key in agent}
        for name, key in files:
            if key.asbytes() not in held:
                yield name, key, False


class _AgentAt(AgentSSH):  # type: ignore[misc]  # paramiko's own Agent knows only SSH_AUTH_SOCK, not IdentityAgent
    def __init__(self, path: str) -> None:
        super().__init__()
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.settimeout(10)
        self.listening.connect(path)
        self._connect(self.listening)


def agent_keys(path: str | None) -> list[AgentKey]:
    """The keys of the agent that listens on `path`; none where nothing listens there."""
    if not path:
        return []
    try:
        return list(_AgentAt(path).get_keys())
    except (OSError, paramiko.SSHException):
        return []


def _from_text(text: str) -> paramiko.PKey:
    refused: Exception = ValueError("no key")
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text.replace("\r\n", "\n") + "\n"))
        except paramiko.PasswordRequiredException:
            raise
        except Exception as error:  # noqa: BLE001 - each class refuses the others' keys in a way of its own
            refused = error
    raise refused
