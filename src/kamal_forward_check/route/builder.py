"""The remote builder: whether Kamal builds there, and so forwards the registry's port to it too.

Kamal 2.8.2, cli/build.rb and configuration/builder.rb.
"""

from __future__ import annotations

import subprocess

from kamal_forward_check.model import DeployConfig, Given, Node, Vantage
from kamal_forward_check.route.not_followed import NotFollowed
from kamal_forward_check.system import System

_FORWARDS = (2, 8, 2)

_DOCKER_SECONDS = 10.0
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def remote_builder(config: DeployConfig, system: System, vantage: Vantage) -> Given[str] | None:
    """`builder.remote` where Kamal opens a forward to it; None where it builds here.

    Raises NotFollowed where that can't be known.
    """
    builder = config.root.get("builder") if config.root else None
    if builder is None or config.kamal.parts < _FORWARDS:
        return None
    remote, local, arch = (builder.get(key) for key in ("remote", "local", "arch"))
    for node in (builder, remote, *((local, arch) if remote else ())):
        if node is not None and node.unknown:
            raise NotFollowed(f"builder is not known: {node.unknown}")
    if remote is None or not isinstance(remote.value, str) or not remote.value.startswith("ssh://"):
        return None
    arches = _arches(arch)
    if not (local is not None and local.value is False):
        arches -= {_docker_arch(system, vantage, remote, arches)} if len(arches) == 1 else set()
    return Given(remote.value, "builder.remote", remote.at) if arches else None


def _arches(arch: Node | None) -> set[str]:
    if arch is None:
        return {"amd64", "arm64"}
    elements = arch.elements() if isinstance(arch.value, list) else iter((arch,))
    return {str(element.value) for element in elements}


def _docker_arch(system: System, vantage: Vantage, remote: Node, arches: set[str]) -> str:
    """The architecture of docker on the deploying machine: what is of it, Kamal builds there."""
    asked: list[tuple[str, ...]] = [("docker", "info", "--format", "{{.Architecture}}")]
    if vantage is Vantage.CONTAINER:
        asked.append(("uname", "-m"))  # the runner's docker runs this container
    for command in asked:
        try:
            said = system.run(command, _DOCKER_SECONDS).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            continue
        if said:
            return next((arch for machine, arch in _MACHINES.items() if machine in said), said)
    raise NotFollowed(
        f"Kamal builds on {remote.value} unless docker on the deploying machine is {', '.join(arches)}; "
        "docker does not answer here (builder.local: false would settle it)"
    )
