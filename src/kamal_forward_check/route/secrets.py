""".kamal/secrets files, read as text. Nothing in them is executed (Kamal 2.10, secrets.rb)."""

from __future__ import annotations

from kamal_forward_check.dotenv import Variable, parse
from kamal_forward_check.model import DeployConfig
from kamal_forward_check.system import System

DEFAULT_PATH = ".kamal/secrets"


def read_secrets(config: DeployConfig, system: System) -> dict[str, Variable]:
    """The secrets that Kamal would find, by name; those of the destination's file win over the common ones."""
    node = config.root.get("secrets_path") if config.root else None
    path = node.value if node and isinstance(node.value, str) else DEFAULT_PATH
    destination = f".{config.destination}" if config.destination else ""
    found: dict[str, Variable] = {}
    for file in (f"{path}-common", f"{path}{destination}"):
        text = system.read_text(system.path(file))
        if text is not None:
            found |= parse(text, file, system.environ)
    return found


def for_keys(config: DeployConfig, system: System) -> dict[str, str]:
    """The secrets that `ssh.key_data` may name, as Kamal would find them: empty where only a command tells the value.

    Nothing is read where there is no `key_data`.
    """
    if config.root is None or config.root.get("ssh", "key_data") is None:
        return {}
    found = read_secrets(config, system)
    return {name: secret.value for name, secret in found.items() if secret.value.strip() or secret.unknown}
