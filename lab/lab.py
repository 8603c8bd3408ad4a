"""A lab: SSH servers on this machine with faults chosen by name, and a deploying machine that can reach them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import faults
from lab.host import USERS, Host, Pinned, PublicKeys, accounts
from lab.isolated import DEPLOYER, Isolated, put
from lab.loopback import Loopback


class LabError(RuntimeError):
    """The lab cannot be as asked for, on this machine or at all."""


@cache
def can_isolate() -> str:
    """Why hosts can't have namespaces of their own here, or nothing."""
    if sys.platform != "linux":
        return "network namespaces need Linux"
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [tool for tool in ("unshare", "nsenter", "ip", "sshd") if not shutil.which(tool, path=_PATH)]
    if missing:
        return f"{', '.join(missing)} not installed"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False, capture_output=True, text=True
    )
    return tried.stderr.strip()


def answers(path: Path) -> bool:
    """Whether something takes connections at a Unix socket: its file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Home:
    """A home folder of the deployer. `environ` is what a process needs in order to live there."""

    path: Path
    environ: Mapping[str, str]

    @property
    def key(self) -> Path:
        """The private key that opens the hosts."""
        return self.path / ".ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The file with the hosts' pinned keys."""
        return self.path / ".ssh" / "known_hosts"


class Lab:
    """Declare hosts, `start`, then `run` things on the deploying machine; all is gone when the `with` block ends.

    Where it is `reachable` this machine, and containers on it, reach the network `front` by address. Raises LabError
    where hosts can't have networks of their own.
    """

    def __init__(self, *, log_level: str = "INFO", reachable: bool = False) -> None:
        if reachable and (why_not := can_isolate()):
            raise LabError(f"no lab can be reached from here: {why_not}")
        self.folder = Path(tempfile.mkdtemp(prefix="kfc-lab-")).resolve()
        self.hosts: dict[str, Host] = {}
        self._log_level = log_level
        self._homes = 0
        self._keys: dict[str, Path] = {}
        self._machines = Loopback(self.folder) if can_isolate() else Isolated(self.folder, reachable=reachable)

    def _make_key(self, name: str) -> Path:
        path = self.folder / f"{name}_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def isolated(self) -> bool:
        """Whether each host is a machine of its own, with its own users and network."""
        return isinstance(self._machines, Isolated)

    def plug(self, process: int) -> None:
        """Give a process that has a network of its own, such as a container's, a place beside the deployer."""
        if not isinstance(self._machines, Isolated):
            raise LabError(f"hosts have networks of their own only where they can be isolated: {can_isolate()}")
        self._machines.plug(process)

    def listens(self, name: str, port: int) -> bool:
        """Whether something on a host listens on `port`. Nobody is asked for it, so no log shows it."""
        return self._machines.listens(name, port)

    def host(self, name: str, *on: str, faults: Iterable[str] = (), login: str = "root") -> Host:
        """Declare a host on the networks `on` (front, back, inner; `back` unless said) with faults by name.

        `login` is the user that the deployer will be: some faults are for this user alone.
        """
        names = tuple(faults)
        host = Host(name, on or ("back",), names, login, self._log_level)
        self._apply(host, names)
        self.hosts[name] = host
        return host

    def _apply(self, host: Host, names: Iterable[str]) -> None:
        for fault in names:
            if not self.isolated:
                raise LabError(f"{host.name}: faults need hosts of their own: {can_isolate()}")
            faults.named(fault).apply(host)

    def start(self) -> None:
        """Start every host at once; when this returns, each answers as it is meant to."""
        self._keys = {name: self._make_key(name) for name in ("lab", "other", "authority")}
        self._machines.start(list(self.hosts.values()), PublicKeys(*(self._public(name) for name in self._keys)))

    def _public(self, name: str) -> str:
        return self._keys[name].with_suffix(".pub").read_text(encoding="ascii").strip()

    @property
    def key(self) -> Path:
        """The private key that opens the hosts, outside of any home."""
        return self._keys["lab"]

    def home(
        self, *, keys: bool = True, agent: bool = False, decoys: int = 0, certificate: str | None = None,
        confirm: bool = False,
    ) -> Home:  # fmt: skip
        """A new home on the deployer, whose known_hosts has the hosts that are pinned (call after `start`).

        `keys` puts the key that opens the hosts into ~/.ssh, `agent` into a real ssh-agent, after as many other keys as
        `decoys` says. `certificate` has the authority sign that key, with an option of ssh-keygen -O, or "". With
        `confirm` the agent asks before it signs, and nobody answers.
        """
        self._homes += 1
        path = self.folder / "homes" / str(self._homes)
        ssh = path / ".ssh"
        ssh.mkdir(parents=True, mode=0o700)
        if keys:
            shutil.copy(self._keys["lab"], ssh / "id_ed25519")
            shutil.copy(self._keys["lab"].with_suffix(".pub"), ssh / "id_ed25519.pub")
        if certificate is not None:
            self._certify(ssh / "id_ed25519.pub", certificate)
        (ssh / "known_hosts").write_text("".join(self._pins()), encoding="ascii")
        put(path, {"/.passwd": accounts({}, root=str(path))["/etc/passwd"]})
        environ = {
            "HOME": str(path),
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            "USER": "root",
            "LOGNAME": "root",
            "TERM": "dumb",
        }
        if agent:
            environ["SSH_AUTH_SOCK"] = self._agent(path, decoys, ["-c"] if confirm else [])
        return Home(path, environ)

    def _certify(self, public_key: Path, option: str) -> None:
        """Have the authority sign a key for all users; ssh looks for what it writes beside the key."""
        options = ["-n", ",".join(USERS), *(["-O", option] if option else [])]
        argv = ["ssh-keygen", "-q", "-s", str(self._keys["authority"]), "-I", "deployer", *options, str(public_key)]
        subprocess.run(argv, check=True)

    def _pins(self) -> Iterable[str]:
        for host in self.hosts.values():
            pinned = host.pinned or (Pinned.YES if len(host.on) > 1 else Pinned.NO)
            if pinned is Pinned.NO:
                continue
            key = self._machines.host_key(host) if pinned is Pinned.YES else " ".join(self._public("other").split()[:2])
            names = [host.name, *host.address.values()]
            yield ",".join(names if host.port == 22 else [f"[{name}]:{host.port}" for name in names]) + f" {key}\n"  # noqa: PLR2004

    def _agent(self, home: Path, decoys: int, options: Sequence[str]) -> str:
        at = home / "agent.sock"
        self._machines.start_on(DEPLOYER, ["ssh-agent", "-D", "-a", str(at)], lambda: answers(at))
        environ = {"SSH_AUTH_SOCK": str(at), "PATH": _PATH}
        keys = [*(self._make_key(f"decoy-{number}") for number in range(decoys)), self.key]
        subprocess.run(["ssh-add", "-q", *options, *map(str, keys)], check=True, env=environ)
        return str(at)

    def command(self, argv: Sequence[str], home: Home, *, cwd: Path | None = None) -> list[str]:
        """The command line that runs `argv` on the deployer. To be run with `home.environ`."""
        return [*self._machines.enter(DEPLOYER, home.path, str(cwd or home.path)), *argv]

    def run(
        self, argv: Sequence[str], home: Home, *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        limit: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run a program on the deployer. Raises subprocess.TimeoutExpired after `limit` seconds, all of it killed."""
        return _run(self.command(argv, home, cwd=cwd), {**home.environ, **(env or {})}, limit)

    def on(self, name: str, argv: Sequence[str], limit: float = 10.0) -> subprocess.CompletedProcess[str]:
        """Run a program on a host, as root."""
        return _run([*self._machines.enter(name), *argv], {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": "/root"}, limit)

    def registry(self, port: int = 5555, kind: str = "registry") -> None:
        """Start what Kamal has on the deployer's localhost when it deploys, or in its place: `airplay`."""
        argv = [sys.executable, str(Path(__file__).with_name("registry.py")), str(port), kind]
        self._machines.start_on(DEPLOYER, argv, lambda: self._machines.listens(DEPLOYER, port))

    def root(self, name: str) -> Path:
        """Where a host's own files (/etc/ssh, /home, ...) lie, as seen from outside."""
        return self._machines.root(name)

    def log(self, name: str) -> str:
        """What a host's sshd said."""
        return self._machines.log(name).read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """End everything and leave nothing behind. Calling it again does nothing."""
        self._machines.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _run(command: Sequence[str], environ: Mapping[str, str], limit: float) -> subprocess.CompletedProcess[str]:
    process = subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=limit)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(list(command), process.returncode, out, err)
