"""Hosts without root: an unprivileged sshd for each on 127.0.0.x, the login being one's own. No faults."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from lab.host import Host

_READY_WITHIN = 10.0


class Loopback:
    """The same doors as Isolated, on one machine: the hosts share its files, users and loopback ports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self, hosts: Sequence[Host], public_key: str, other_key: str) -> None:  # noqa: ARG002
        """Start all hosts; when this returns, each is listening."""
        for number, host in enumerate(hosts, start=2):
            host.login = getpass.getuser()
            address = f"127.0.0.{number}"
            host.address = dict.fromkeys(host.on, address)
            host.port = _free_port(address)
            self._daemons.append(self._daemon(host, address, public_key))
        for host in hosts:
            self._await(host)

    def _daemon(self, host: Host, address: str, public_key: str) -> subprocess.Popen[bytes]:
        ssh = self.root(host.name) / "etc/ssh"
        ssh.mkdir(parents=True)
        key = ssh / "ssh_host_ed25519_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        (ssh / "authorized_keys").write_text(public_key + "\n", encoding="ascii")
        config = ssh / "sshd_config"
        config.write_text(
            f"ListenAddress {address}\nPort {host.port}\nHostKey {key}\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"AuthorizedKeysFile {ssh}/authorized_keys\nLogLevel {host.log_level}\n",
            encoding="utf-8",
        )
        sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:" + os.defpath) or "sshd"
        with self.log(host.name).open("wb") as log:
            return subprocess.Popen([sshd, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log,
                                    start_new_session=True)  # fmt: skip

    def _await(self, host: Host) -> None:
        until = time.monotonic() + _READY_WITHIN
        while f"Server listening on {host.address[host.on[0]]}" not in self.log(host.name).read_text(encoding="utf-8"):
            if time.monotonic() > until:
                raise TimeoutError(f"{host.name} does not listen: {self.log(host.name).read_text(encoding='utf-8')}")
            time.sleep(0.005)

    def root(self, name: str) -> Path:
        """Where a host's files lie."""
        return self._folder / "hosts" / name

    def log(self, name: str) -> Path:
        """What a host's sshd said."""
        return self._folder / f"{name}.log"

    def enter(self, name: str, home: Path | None = None, cwd: str = "/") -> list[str]:  # noqa: ARG002 - one machine
        """The start of a command line: nothing to enter, all is one machine."""
        return ["env", "-C", cwd]

    def background(self, name: str, argv: Sequence[str], port: int) -> None:  # noqa: ARG002 - one machine
        """Start a program that ends with the lab; it is ready when it listens on `port`."""
        self._daemons.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True))
        until = time.monotonic() + _READY_WITHIN
        while not _answers(port):
            if time.monotonic() > until:
                raise TimeoutError(f"{argv} does not listen on {port}")
            time.sleep(0.005)

    def host_key(self, host: Host) -> str:
        """A host's public key: its type and base64."""
        key = (self.root(host.name) / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="ascii")
        return " ".join(key.split()[:2])

    def close(self) -> None:
        """End the daemons that were started, by their pid."""
        for daemon in self._daemons:
            daemon.terminate()
        for daemon in self._daemons:
            daemon.wait()
        self._daemons.clear()


def _free_port(address: str) -> int:
    with socket.create_server((address, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
