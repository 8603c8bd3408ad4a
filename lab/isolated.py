"""Hosts in namespaces of their own: needs Linux and root. Nothing has a name outside, so two labs don't clash."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from shlex import quote

from lab.host import NETWORKS, USERS, File, Host, PublicKeys, accounts
from lab.shell import Shell

_OWN_FOLDERS = ("/etc/ssh", "/root", "/home", "/run", "/tmp", "/var/log", "/usr/local/bin")  # noqa: S108 - the hosts' own
DEPLOYER = "deployer"
MACHINE = f"{NETWORKS['front']}.1"
"""This machine's own address on the network `front`, in a lab that it can reach."""
_GIVE_UP_AFTER_31_SECONDS = (
    # Who connects to nobody waits for two minutes, which proves nothing that 31 seconds don't: 1 + 2 + 4 + 8 + 16.
    "echo 4 > /proc/sys/net/ipv4/tcp_syn_retries",
    "f=/proc/sys/net/ipv4/tcp_syn_linear_timeouts; if [ -e $f ]; then echo 0 > $f; fi",
)


def put(root: Path, files: Mapping[str, File]) -> None:
    """Write a host's files below `root`, each folder on the way belonging to the file's owner."""
    for path, file in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text, encoding="utf-8")
        place.chmod(file.mode)
        if file.owner:
            os.chown(place, file.owner, file.owner)
            os.chown(place.parent, file.owner, file.owner)


def _holds(file: Path) -> bool:
    """Whether a file is there, and not empty."""
    return file.exists() and file.stat().st_size > 0


class Isolated:
    """The hosts, the deployer, and a switch for each network. `folder` holds their files, and goes with them.

    Where it is `reachable` this machine is on the network `front` as well, as MACHINE, by a device of that one name.
    """

    def __init__(self, folder: Path, *, reachable: bool = False) -> None:
        self._folder = folder
        self._reachable = reachable
        self._shells: dict[str, Shell] = {}
        # Lives outside of the hosts' processes, and cleans up even where the lab's own process was killed.
        self._switch = Shell(folder / "switch.log", ("--net",), at_end=f"rm -rf {quote(str(folder))}")

    def start(self, hosts: Sequence[Host], keys: PublicKeys) -> None:
        """Start all hosts at once; when this returns, each answers as it is meant to."""
        self._number(hosts)
        deployer = Host(DEPLOYER, ("front",), address={"front": f"{NETWORKS['front']}.2"}, runs=False)
        everyone = [deployer, *hosts]
        for host in everyone:
            self._shells[host.name] = Shell(self.log(host.name))
        for host in everyone:
            files = accounts({}) if host is deployer else host.all_files(keys)
            put(self.root(host.name), {**files, "/etc/hosts": self._hosts_file(host, hosts)})
            self._shells[host.name].tell(self._furnish(host, files, bare=host is deployer))
        for host in everyone:
            self._shells[host.name].hear()
        self._plug(everyone)
        for host in everyone:
            self._shells[host.name].tell(self._boot(host))
        for host in everyone:
            self._shells[host.name].hear()
        for host in hosts:
            self._await(host, [host.port] if host.runs else [])
            if host.runs and host.server[1:] == Host.server[1:]:
                # sshd writes this after it listens, and a look at the host's files is not to come in between
                written = self.root(host.name) / "run/sshd.pid"
                self._shells[host.name].wait_for(partial(_holds, written), f"{host.name}, {written.name},")
            if host.after:
                self._shells[host.name].run("\n".join(host.after))
                self._await(host, host.ports)

    @staticmethod
    def _number(hosts: Sequence[Host]) -> None:
        for number, host in enumerate(hosts, start=11):
            host.address = {network: f"{NETWORKS[network]}.{number}" for network in host.on}

    @staticmethod
    def _hosts_file(seen_by: Host, hosts: Sequence[Host]) -> File:
        lines = ["127.0.0.1 localhost", f"127.0.1.1 {seen_by.name}"]
        for host in hosts:
            shared = [network for network in host.on if network in seen_by.on]
            if shared and host is not seen_by and host.in_hosts:
                lines.append(f"{host.address[shared[0]]} {host.name}")
        return File("\n".join(lines) + "\n")

    def _furnish(self, host: Host, files: Mapping[str, File], *, bare: bool) -> str:
        """Commands that give a host its own folders, files and host key."""
        root = quote(str(self.root(host.name)))
        folders = ("/etc/ssh", "/run") if bare else _OWN_FOLDERS
        single = [p for p in (*files, "/etc/hosts") if p.startswith("/etc/") and not p.startswith("/etc/ssh/")]
        homes = " ".join(f"{root}{home}" for _, home in USERS.values())
        lines = [
            f"cd {root}",
            f"mkdir -p {' '.join(f'.{folder}' for folder in folders)} ./run/sshd {homes} ./etc/ssh/sshd_config.d",
            *(() if bare else ("chmod 1777 ./tmp",)),
            *(f"chown {uid}:{uid} {root}{home} && chmod 750 {root}{home}" for uid, home in USERS.values()),
            f"ssh-keygen -q -t ed25519 -N '' -C {host.name} -f ./etc/ssh/ssh_host_ed25519_key",
            *(f"mount --bind .{path} {path}" for path in single),
            # What the lab's own folder lies in goes last: mount(8) looks its arguments up by their whole path.
            *(f"mount --bind .{folder} {folder}" for folder in sorted(folders, key=self._folder.is_relative_to)),
            f"echo {host.name} > /proc/sys/kernel/hostname",
            "echo 0 > /proc/sys/net/ipv4/ip_forward",
            "ip link set lo up",
            *_GIVE_UP_AFTER_31_SECONDS,
        ]
        return "\n".join(lines)

    def _plug(self, hosts: Sequence[Host]) -> None:
        lines = [f"link add {network} up type bridge" for network in NETWORKS]
        for number, host in enumerate(hosts):
            pid = self._shells[host.name].pid
            lines += [
                f"link add {network}{number} up master {network} type veth peer name {network} netns {pid}"
                for network in host.on
            ]
        if self._reachable:
            lines.append(f"link add machine up master front type veth peer name kamal-front netns {os.getpid()}")
        self._switch.run("ip -batch - <<'END'\n" + "\n".join(lines) + "\nEND")
        if self._reachable:
            own = f"addr add {MACHINE}/24 dev kamal-front\nlink set kamal-front up\n"
            subprocess.run(["ip", "-batch", "-"], input=own, text=True, check=True)

    @staticmethod
    def _boot(host: Host) -> str:
        lines = [f"ip addr add {address}/24 dev {network}" for network, address in host.address.items()]
        lines += [f"ip link set {network} up" for network in host.address]
        lines += host.before
        if host.runs:
            server = " ".join(quote(word) for word in (*host.server, *host.daemon))
            lines.append(f"{server} >&2 &")
        return "\n".join(lines)

    def _await(self, host: Host, ports: Sequence[int]) -> None:
        shell = self._shells[host.name]
        for port in ports:
            shell.wait_for(partial(shell.listens, port), f"{host.name}, port {port},")

    def root(self, name: str) -> Path:
        """Where a host's own files lie, as seen from outside."""
        return self._folder / "hosts" / name

    def log(self, name: str) -> Path:
        """What a host's sshd, and its setting-up, said."""
        return self._folder / f"{name}.log"

    def enter(self, name: str, home: Path | None = None, cwd: str = "/") -> list[str]:
        """The start of a command line that runs the rest on a host. `home` becomes root's, for ssh too.

        ssh takes its home from passwd, not from $HOME: so each command sees a passwd of its own.
        """
        prefix = self._shells[name].enter()
        if home is None:
            return [*prefix, "env", "-C", cwd]
        bind = 'mount --bind "$1" /etc/passwd; cd "$2"; shift 2; exec "$@"'
        return [*prefix, "unshare", "--mount", "sh", "-ec", bind, "sh", str(home / ".passwd"), cwd]

    def start_on(self, name: str, argv: Sequence[str], ready: Callable[[], bool]) -> None:
        """Start a program that ends with the host, and wait until it is `ready`."""
        self._shells[name].start(argv, ready)

    def listens(self, name: str, port: int) -> bool:
        """Whether something on the host listens on `port`."""
        return self._shells[name].listens(port)

    def plug(self, process: int) -> None:
        """Give the network that `process` is in a line to the front, and an address there."""
        there = f"nsenter --net --target={process} ip"
        self._switch.run(
            f"ip link add guest up master front type veth peer name front netns {process}\n"
            f"{there} addr add {NETWORKS['front']}.3/24 dev front\n"
            f"{there} link set front up"
        )

    def host_key(self, host: Host) -> str:
        """A host's public key: its type and base64."""
        key = (self.root(host.name) / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="ascii")
        return " ".join(key.split()[:2])

    def close(self) -> None:
        """End all hosts, then the switch, and with it the folder."""
        for shell in self._shells.values():
            shell.end()
        for shell in self._shells.values():
            shell.wait()
        self._switch.wait()
