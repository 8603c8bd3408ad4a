"""Hosts without root: an unprivileged sshd for each on 127.0.0.x, the login being one's own. No faults."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.host import Host, PublicKeys
from lab.shell import Shell

_PRIVSEP = Path("/run/sshd")
"""Debian's sshd wants this folder when root starts it; a machine that runs no sshd lacks it."""


class Loopback:
    """The same doors as Isolated, on one machine: the hosts share its files, users and loopback ports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        at_end = f"trap '' TERM; kill 0; rm -rf {shlex.quote(str(folder))}"  # 0: the shell's process group
        if os.geteuid() == 0 and not _PRIVSEP.exists():
            _PRIVSEP.mkdir(mode=0o755)
            at_end += f"; rmdir {_PRIVSEP}"
        self._shell = Shell(folder / "shell.log", own=(), at_end=at_end)

    def start(self, hosts: Sequence[Host], keys: PublicKeys) -> None:
        """Start all hosts; when this returns, each is listening."""
        for number, host in enumerate(hosts, start=2):
            host.login = getpass.getuser()
            address = f"127.0.0.{number}"
            host.address = dict.fromkeys(host.on, address)
            host.port = _free_port(address)
            self._start(host, address, keys.lab)

    def _start(self, host: Host, address: str, public_key: str) -> None:
        ssh = self.root(host.name) / "etc/ssh"
        ssh.mkdir(parents=True)
        key, config, authorized_keys = ssh / "ssh_host_ed25519_key", ssh / "sshd_config", ssh / "authorized_keys"
        self._shell.run(shlex.join(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]))
        authorized_keys.write_text(f"{public_key}\n", encoding="ascii")
        config.write_text(
            f"ListenAddress {address}\nPort {host.port}\nHostKey {key}\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"AuthorizedKeysFile {authorized_keys}\nLogLevel {host.log_level}\n",
            encoding="utf-8",
        )
        sshd = shutil.which("sshd", path=f"/usr/sbin:/usr/local/sbin:/sbin:{os.defpath}") or "sshd"
        argv = [sshd, "-D", "-f", str(config), "-E", str(self.log(host.name))]
        self._shell.start(argv, lambda: self._shell.listens(host.port))

    def start_on(self, name: str, argv: Sequence[str], ready: Callable[[], bool]) -> None:  # noqa: ARG002 - one machine
        """Start a program that ends with the lab, and wait until it is `ready`."""
        self._shell.start(argv, ready)

    def listens(self, name: str, port: int) -> bool:  # noqa: ARG002 - one machine
        """Whether something listens on `port`."""
        return self._shell.listens(port)

    def root(self, name: str) -> Path:
        """Where a host's files lie."""
        return self._folder / "hosts" / name

    def log(self, name: str) -> Path:
        """What a host's sshd said."""
        return self._folder / f"{name}.log"

    def enter(self, name: str, home: Path | None = None, cwd: str = "/") -> list[str]:  # noqa: ARG002 - one machine
        """The start of a command line: nothing to enter, all is one machine."""
        return ["env", "-C", cwd]

    def host_key(self, host: Host) -> str:
        """A host's public key: its type and base64."""
        key = (self.root(host.name) / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="ascii")
        return " ".join(key.split()[:2])

    def close(self) -> None:
        """End the daemons, and with them the folder."""
        self._shell.wait()


def _free_port(address: str) -> int:
    with socket.create_server((address, 0)) as server:
        port: int = server.getsockname()[1]
        return port
