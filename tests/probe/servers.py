"""Real sshd's on 127.0.0.x for walks in this process, each with the lines and key options that a test wants.

They need no root. All share this machine's loopback, so a walk's forwards use free ports instead of 5555.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from kamal_forward_check.model import (
    Cause,
    Client,
    Given,
    Hop,
    HostKeyRule,
    Keys,
    Purpose,
    Role,
    Route,
    Severity,
    Stage,
    Trace,
    Vantage,
)
from kamal_forward_check.probe.children import Children
from kamal_forward_check.probe.enter import World, enter
from kamal_forward_check.probe.kamals_ssh import KamalsSsh
from kamal_forward_check.probe.keys import KeyRing
from kamal_forward_check.probe.live import Live
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.walk import walk
from kamal_forward_check.rules import Facts, judge
from kamal_forward_check.system import System
from lab.lab import answers

ME = getpass.getuser()
SSHD = shutil.which("sshd", path=f"/usr/sbin:/usr/local/sbin:{os.environ['PATH']}") or "sshd"

# As root, sshd gets a machine's worth of its own: a /run (Debian's wants /run/sshd), processes that end with it, and
# an /etc/passwd by which nobody's own shell and start-up files run.
_AS_ROOT = """
mount -t tmpfs none /run
mkdir -m 755 /run/sshd
mount --bind "$1" /etc/passwd
shift
exec "$@"
"""
_ACCOUNTS = "root:x:0:0::{home}:/bin/sh\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n"


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on at this moment."""
    with socket.create_server((host, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def make_key(path: Path, *more: str) -> Path:
    """A new private key at `path`, Ed25519 unless `more` has another -t; its public half beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path, *more], check=True)
    return path


def public(key: Path) -> str:
    """The public half's type and base64."""
    return " ".join(Path(f"{key}.pub").read_text(encoding="ascii").split()[:2])


@dataclass
class Sshd:
    """One sshd: `lines` are added to its sshd_config, `key_options` stand before the key in authorized_keys."""

    folder: Path
    key: Path
    host: str
    lines: tuple[str, ...] = ()
    key_options: str = ""
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> Self:
        """Start it; when this returns, it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "host_key").exists():
            make_key(self.folder / "host_key")
        self.port = self.port or free_port(self.host)
        self.authorize(f"{self.key_options} {public(self.key)}".strip())
        self.config.write_text(self._text(), encoding="utf-8")
        (self.folder / "log").touch()
        self.process = subprocess.Popen(self._argv(), stdin=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not self._listens():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, self.log
        return self

    def _argv(self) -> list[str]:
        argv = [SSHD, "-D", "-E", str(self.folder / "log"), "-f", str(self.config)]
        if os.geteuid() != 0:
            return argv
        passwd = self.folder / "passwd"
        passwd.write_text(_ACCOUNTS.format(home=self.folder), encoding="ascii")
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        return [*own, "sh", "-ec", _AS_ROOT, "sh", str(passwd), *argv]

    def _text(self) -> str:
        usual = (
            f"HostKey {self.folder / 'host_key'}", f"ListenAddress {self.host}", f"Port {self.port}",
            f"AuthorizedKeysFile {self.authorized_keys}", "PidFile none", "UsePAM no", "StrictModes no",
            "PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            "LogLevel DEBUG1", "MaxStartups 1000",
        )  # fmt: skip
        own = {line.split()[0] for line in self.lines} - {"Port"}
        usual_lines = (line for line in usual if line.split()[0] not in own)
        return "\n".join((*usual_lines, *self.lines, ""))

    def _listens(self) -> bool:
        rows = (row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:])
        at = f"{int.from_bytes(socket.inet_aton(self.host), 'little'):08X}:{self.port:04X}"
        return any(row[1] == at and row[3] == "0A" for row in rows)

    def authorize(self, *lines: str) -> None:
        """Write authorized_keys anew."""
        self.authorized_keys.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.folder / "sshd_config"

    @property
    def authorized_keys(self) -> Path:
        return self.folder / "authorized_keys"

    @property
    def log(self) -> str:
        """What it said so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def pin(self) -> str:
        """Its line for known_hosts."""
        return f"[{self.host}]:{self.port} {public(self.folder / 'host_key')}\n"

    def waits_for(self, words: str, times: int = 1, seconds: float = 10) -> None:
        """Return as soon as its log has `words` so many times; fails where it never comes to say them."""
        until = time.monotonic() + seconds
        while self.log.count(words) < times:
            assert time.monotonic() < until, f"never said {words!r}:\n{self.log}"
            time.sleep(0.005)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it, and to all that it serves."""
        if self.process:
            for pid in (*descendants(self.process.pid), self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def stop(self) -> None:
        """End it, and all that it serves."""
        if self.process:
            self.signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


def descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and they in turn."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            for child in map(int, task.read_text(encoding="ascii").split()):
                yield child
                yield from descendants(child)


@dataclass
class Servers:
    """Starts sshd's, and knows how a route leads over them."""

    folder: Path
    key: Path
    home: Path
    started: list[Sshd] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def sshd(self, *lines: str, key_options: str = "", folder: str = "") -> Sshd:
        """Start an sshd on an address of its own."""
        number = len(self.started) + 2
        server = Sshd(self.folder / (folder or f"host-{number}"), self.key, f"127.0.0.{number}", lines, key_options)
        self.started.append(server)
        return server.start()

    def hop(self, server: Sshd, role: Role, *, keys: Keys | None = None, known: str | None = None,
            accept: bool = True, address: str = "") -> Hop:  # fmt: skip
        """A hop to `server`: a jump must be known, which it is unless `known` says otherwise; a target need not."""
        jump = role is Role.JUMP
        lines = (server.pin if jump else "") if known is None else known
        rule = HostKeyRule((f"[{server.host}]:{server.port}",), (), accept_unknown=accept and not jump, lines=lines)
        return Hop(
            role=role,
            host=Given(server.host, "servers"),
            port=Given(server.port, "ssh.port"),
            user=Given(ME, "ssh.user"),
            dialled_by=Client.OPENSSH if jump else Client.NET_SSH,
            address=address or server.host,
            keys=keys or Keys(files=(Given(str(self.key), "ssh.keys"),)),
            host_key_rule=rule,
        )

    def route(
        self, *servers: Sshd, port: int = 0, target: Hop | None = None, to: tuple[str, int] | None = None
    ) -> Route:
        """A route over `servers`, the last being the target, unless a `target` or an address stands behind them."""
        if to:
            host, number = to
            like = self.hop(servers[-1], Role.TARGET)
            target = replace(like, host=Given(host, "servers"), port=Given(number, "ssh.port"), address=host)
        jumps = servers if target else servers[:-1]
        hops = (*(self.hop(jump, Role.JUMP) for jump in jumps), target or self.hop(servers[-1], Role.TARGET))
        return Route(Purpose.PULL, hops, "127.0.0.1", port or free_port())

    @contextmanager
    def walking(self, *routes: Route, seconds: float = 20) -> Iterator[Future[tuple[Trace, ...]]]:
        """The routes being walked, in another thread."""
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(self.walk, *routes, seconds=seconds)

    @property
    def system(self) -> System:
        """This machine, with a home of its own, and no agent unless `environ` has one."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), **self.environ}
        return System(environ=environ, cwd=self.home, home=self.home)

    def enter(self, hop: Hop, through: Live | None = None, seconds: float = 10) -> Live:
        """The hop, entered. Closed when the test ends."""
        entry = enter(Notes(hop), through, self._world(), seconds)
        assert entry.live, "the server let nobody in"
        return entry.live

    def _world(self) -> World:
        ring = KeyRing(self.system)
        children = Children(self.system, ring)
        return World(self.system, ring, Vantage.LOCAL, children, KamalsSsh(children), self.live.append)

    def walk(self, *routes: Route, seconds: float = 20, vantage: Vantage = Vantage.LOCAL) -> tuple[Trace, ...]:
        """The routes walked in this process."""
        return walk(routes, self.system, vantage, seconds)

    def stop(self) -> None:
        """End all."""
        for live in self.live:
            live.close()
        for server in self.started:
            server.stop()


@contextmanager
def agent(folder: Path, *keys: Path) -> Iterator[str]:
    """A real ssh-agent with `keys`; gives its socket."""
    path = folder / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process:
        try:
            while not answers(path):
                assert process.poll() is None
            for key in keys:
                subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": str(path)}, check=True)
            yield str(path)
        finally:
            process.kill()


@contextmanager
def silent(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A host that takes connections and never says a word."""
    with socket.create_server((host, 0)) as server:
        server.settimeout(10)
        yield server


def stop(trace: Trace) -> tuple[str, Stage, Cause | None]:
    """Who stopped the route, where, and with what."""
    assert trace.failing, "nothing stopped it"
    assert trace.failing.stopped
    return trace.failing.hop.host.value, trace.failing.stopped.stage, trace.failing.stopped.cause


def codes(*traces: Trace) -> list[str]:
    """The errors that these come to."""
    return [finding.code for finding in judge(Facts(traces=traces)) if finding.severity is Severity.ERROR]


def listening(port: int) -> list[str]:
    """The addresses on which something listens on `port`, as the kernel writes them."""
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
    ]
    return [row[1] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"]
