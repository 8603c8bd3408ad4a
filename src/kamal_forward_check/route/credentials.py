"""Who offers which key to which hop.

A jump is dialled by ssh: it gets ssh's own keys and the agent, and none of deploy.yml's. A target is dialled by
net-ssh: it gets `ssh.keys`, `ssh.key_data` and the agent. Keys that a person gives for the check stand for those
in the deploying machine's agent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kamal_forward_check.dotenv import Variable
from kamal_forward_check.model import DeployConfig, Given, Keys, Node, Vantage
from kamal_forward_check.route.net_ssh_config import NetSshConfig
from kamal_forward_check.route.openssh import DEFAULT, Answer
from kamal_forward_check.route.secrets import read_secrets
from kamal_forward_check.route.tokens import UnknownTokenError
from kamal_forward_check.settings import Settings
from kamal_forward_check.system import System

SECRETS_HOLD_KEYS = (2, 10, 0)
_NET_SSH_DEFAULTS = tuple(f"~/.ssh{two}/id_{kind}" for two in ("", "2") for kind in ("ed25519", "rsa", "dsa", "ecdsa"))
_CERTIFICATE = "ssh_config names a CertificateFile, which this check does not offer"


@dataclass(slots=True)
class Credentials:
    """The keys of one run."""

    config: DeployConfig
    settings: Settings
    system: System
    vantage: Vantage
    _secrets: dict[str, Variable] | None = None
    _defaults: tuple[Given[str], ...] | None = None

    @property
    def identities(self) -> tuple[Given[str], ...]:
        """The keys given for the check."""
        files = tuple(Given(path, "--identity") for path in self.settings.identities)
        texts = (Given(self.settings.private_keys, "ssh-private-key"),) if self.settings.private_keys.strip() else ()
        return files + texts

    def for_jump(self, answer: Answer) -> Keys:
        """What ssh offers a jump."""
        if answer.one("pubkeyauthentication") in ("no", "false"):
            return Keys()
        files = tuple(self._identity_files(answer))
        missing = self._missing_here(file for file in files if file.at)
        missing += self._other_ways(answer)
        return Keys(
            files=tuple(file for file in files if self._is_here(file)),
            identities=self.identities,
            agent=self._ssh_agent(answer),
            only_named=answer.is_on("identitiesonly"),
            missing="" if self.identities else "; ".join(missing),
        )

    def for_target(self, read: NetSshConfig, ssh: Node | None) -> Keys:
        """What net-ssh offers a target, by its ssh_config and Kamal's `ssh` (None where Kamal passes none of it)."""
        keys, key_data, keys_only = (ssh.get(name) if ssh else None for name in ("keys", "key_data", "keys_only"))
        missing = [node.unknown for node in (keys, key_data) if node and node.unknown]
        missing += [node.unknown for node in (keys.elements() if keys else ()) if node.unknown]
        if keys is not None:
            files = tuple(_texts(keys, "ssh.keys"))
        elif "identityfile" in read.options:
            files = tuple(read.all("identityfile"))
        elif key_data is not None:
            files = ()
        else:
            files = self._net_ssh_defaults()
        missing += self._missing_here(files)
        data = tuple(self._key_data(key_data, missing)) if key_data else ()
        only_named = keys_only.value is True if keys_only else read.flag("identitiesonly")
        if "certificatefile" in read.options:
            missing.append(_CERTIFICATE)
        # A given key stands for the agent's, or for one that Kamal has and this check can't see.
        identities = () if only_named and not missing else self.identities
        return Keys(
            files=files,
            data=data,
            identities=identities,
            agent=self._net_ssh_agent(read),
            only_named=only_named,
            missing="" if identities else "; ".join(missing),
        )

    def _other_ways(self, answer: Answer) -> Iterator[str]:
        """The ways by which ssh may log in, and this check can't."""
        if answer.all("certificatefile"):
            yield _CERTIFICATE
        if (provider := answer.one("pkcs11provider", "none")) != "none":
            yield f"ssh_config names a PKCS11Provider ({provider}), whose keys this check does not offer"
        if answer.is_on("hostbasedauthentication"):
            yield "ssh_config has HostbasedAuthentication, which this check does not know"
        if answer.is_on("gssapiauthentication") and self._has_ticket():
            yield "ssh_config has GSSAPIAuthentication, which this check does not know"
        if Path(path := answer.one("controlpath", "none")).is_socket():
            yield f"ssh may use a connection that is open already (ControlPath {path})"

    def _has_ticket(self) -> bool:
        """Debian and Red Hat allow GSSAPI to everybody: without a Kerberos ticket it is nothing."""
        return "KRB5CCNAME" in self.system.environ or Path(f"/tmp/krb5cc_{os.getuid()}").exists()  # noqa: S108 - MIT's own

    def _net_ssh_defaults(self) -> tuple[Given[str], ...]:
        if self._defaults is None:  # looked for once, however many the targets
            given = (Given(name, "net-ssh's default") for name in _NET_SSH_DEFAULTS)
            self._defaults = tuple(file for file in given if self._is_here(file))
        return self._defaults

    def _identity_files(self, answer: Answer) -> Iterator[Given[str]]:
        for text in answer.all("identityfile"):
            given = answer.given("identityfile", text)
            try:
                name = answer.path(text)
            except UnknownTokenError:
                continue
            yield Given(_short(name, self.system), given.source if given.at else DEFAULT, given.at)

    def _missing_here(self, files: Iterable[Given[str]]) -> list[str]:
        """The named files that the deploying machine may have, and the container has not."""
        if self.vantage is not Vantage.CONTAINER:
            return []
        return [f"{file.source} names {file.value}, which is not here" for file in files if not self._is_here(file)]

    def _is_here(self, file: Given[str]) -> bool:
        # The public half will do: it names a key of the agent.
        return any(self.system.path(name).is_file() for name in (file.value, f"{file.value}.pub"))

    def _ssh_agent(self, answer: Answer) -> str | None:
        given = answer.one("identityagent", "SSH_AUTH_SOCK")
        if given == "none":
            return None
        if given == "SSH_AUTH_SOCK":
            return self.system.environ.get("SSH_AUTH_SOCK") or None
        return self.system.child_environ.get(given[1:]) if given.startswith("$") else str(self.system.path(given))

    def _net_ssh_agent(self, read: NetSshConfig) -> str | None:
        # net-ssh knows neither "none" nor "SSH_AUTH_SOCK" here: to it, both are files.
        given = read.given("identityagent")
        socket = given.value if given else self.system.environ.get("SSH_AUTH_SOCK")
        return str(self.system.path(socket)) if socket else None

    def _key_data(self, node: Node, missing: list[str]) -> Iterator[Given[str]]:
        for element in node.elements():
            text = str(element.value)
            if element.unknown:
                missing.append(element.unknown)
            elif "PRIVATE KEY" in text:
                yield Given(text, "ssh.key_data", element.at)
            elif self.config.kamal.parts >= SECRETS_HOLD_KEYS:
                yield from self._secret(text, element, missing)

    def _secret(self, name: str, element: Node, missing: list[str]) -> Iterator[Given[str]]:
        if self._secrets is None:
            self._secrets = read_secrets(self.config, self.system)
        secret = self._secrets.get(name)
        if secret is None or not (secret.value.strip() or secret.unknown):
            return  # Kamal takes the name for the key itself, and a rule says so
        if secret.unknown:
            missing.append(
                f"the secret {name} of ssh.key_data is not known ({secret.at.file}:{secret.at.line}): {secret.unknown}"
            )
        else:
            yield Given(secret.value, f"ssh.key_data {name}", element.at)


def _texts(node: Node, source: str) -> Iterator[Given[str]]:
    for element in node.elements():
        if isinstance(element.value, str) and not element.unknown:
            yield Given(element.value, source, element.at)


def _short(name: str, system: System) -> str:
    """A path as a person writes it, where `~` means the same folder to ssh and to everyone else."""
    home = system.home
    return f"~/{Path(name).relative_to(home)}" if Path(name).is_relative_to(home) else name
