"""Whether Kamal takes the registry for one on this machine, and so opens forwards to it."""

from __future__ import annotations

import re

from kamal_forward_check.model import DeployConfig, Forwarding

FIRST_WITH_LOCAL_REGISTRY = (2, 8, 0)
_FIRST_ON_127_0_0_1 = (2, 8, 1)

# Ruby's ^ is the start of any line, and [:$] is a class of two characters (Kamal 2.8.0, configuration/registry.rb).
_LOCAL = re.compile(r"^localhost[:$]", re.MULTILINE)
_TO_I = re.compile(r"\s*([+-]?\d+(?:_\d+)*)")


def forwarding(config: DeployConfig) -> Forwarding:
    """What `registry.server` and Kamal's version decide. An unknown value counts as needed, without a port."""
    if config.root is None:
        return Forwarding(needed=True, port=None, reason=f"{config.file} could not be read")
    found = (config.root.get("registry", "server"), config.root.get("registry"), config.root)
    node = next(node for node in found if node)
    at = node.at if node is not config.root else None
    if node.unknown:
        return Forwarding(needed=True, port=None, reason=f"registry.server is not known: {node.unknown}", at=at)
    server = node.value if node is found[0] else None
    if not isinstance(server, str):
        return Forwarding(needed=False, port=None, reason="there is no registry.server: Kamal opens no forward", at=at)
    if not _LOCAL.search(server):
        return Forwarding(False, None, f"registry.server {server} is not local: Kamal opens no forward", at)  # noqa: FBT003
    if config.kamal.parts < FIRST_WITH_LOCAL_REGISTRY:
        reason = f"Kamal {config.kamal.version} knows no local registry (2.8.0 does): it opens no forward"
        return Forwarding(needed=False, port=None, reason=reason, at=at)
    return Forwarding(needed=True, port=_port(server), reason=f"registry.server is {server}", at=at)


def listen_address(config: DeployConfig) -> str:
    """What Kamal asks the target to listen on: 2.8.0 said localhost, which is two addresses."""
    return "127.0.0.1" if config.kamal.parts >= _FIRST_ON_127_0_0_1 else "localhost"


def _port(server: str) -> int:
    """`server.split(":").last.to_i`, as Ruby takes it: 0 where no number stands there."""
    number = _TO_I.match(server.rstrip(":").rpartition(":")[2])
    return int(number[1]) if number else 0
