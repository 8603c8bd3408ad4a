"""The script that a refusing host is asked by: in every shell, with every right, and without a trace."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from kamal_forward_check.probe import questions
from tests.probe.servers import make_key

MARK = "@@"
SECTIONS = {
    "who", "daemon", "sshd", "asked", "unreadable", "lines", "key", "sockets", "port", "container", "service",
    "security", "network", "os", "end",
}  # fmt: skip
SCRIPT = Path(questions.__file__).with_name("host_questions.sh")
NOBODY = 65534
ALLOWS = "allowtcpforwarding yes"


class Host:
    """A folder with programs that go before the machine's own, for a login without rights."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self._key = folder, key
        self.bin = folder / "bin"
        self.bin.mkdir()

    def program(self, name: str, script: str) -> None:
        """A program of the host, which notes the words that it is called with."""
        place = self.bin / name
        place.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.folder}/called\n{script}\n', encoding="utf-8")
        place.chmod(0o755)

    def sshd(self, *output: str) -> None:
        """What its `sshd -T` prints to a login without rights, with its key on the standard input; and to root."""
        self.program("sshd", f"cat >/dev/null\nprintf '%s\\n' {shlex.join(output)}")

    @property
    def called(self) -> list[str]:
        """The programs that were called, with their words."""
        place = self.folder / "called"
        return place.read_text(encoding="utf-8").splitlines() if place.exists() else []

    def ask(
        self, *shell: str, key_file: str = "", key_line: int = 0, before: Sequence[str] = (), port: int = 5555
    ) -> Mapping[str, str]:
        """The answers, by section. As root, they are those that `nobody` gets."""
        (self.folder / "called").touch()
        (self.folder / "called").chmod(0o666)
        values = {"S": MARK, "PORT": str(port), "KEY": self._key, "KEYFILE": key_file, "KEYLINE": str(key_line or "")}
        values["LOGIN"] = "deploy"
        script = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
        script += SCRIPT.read_text(encoding="utf-8")
        environ = {"PATH": f"{self.bin}:{os.environ['PATH']}", "SSH_CONNECTION": "192.0.2.1 4000 192.0.2.2 22"}
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
        argv = [*before, *drop, *(shell or ("sh",))]
        told = subprocess.run(argv, input=script, env=environ, cwd="/", check=False, capture_output=True, text=True,
                              timeout=60)  # fmt: skip
        pieces = told.stdout.split(f"\n{MARK} ")[1:]
        assert not told.stderr
        return {name: text.strip("\n") for name, _, text in (piece.partition("\n") for piece in pieces)}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host that `nobody` can look into, as it can't into pytest's own folders."""
    key = make_key(tmp_path / "key", "-t", "ecdsa").read_text(encoding="ascii")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield Host(folder, key)


SHELLS = ["sh", "dash", "bash", "busybox sh", "zsh --emulate sh", "ksh", "mksh"]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_answers_alike(host: Host, shell: str) -> None:
    if not shutil.which(shell.split(maxsplit=1)[0]):
        pytest.skip(f"{shell} is not installed")
    host.sshd("debug3: /etc/ssh/sshd_config:3 setting PermitListen *", "permitlisten any", ALLOWS)
    (host.folder / "keys").write_text("# a\nrestrict ssh-ed25519 AAAAx b\nssh-ed25519 AAAAx\n", encoding="ascii")
    said = host.ask(*shell.split(), key_file=str(host.folder / "keys"), key_line=2)
    assert set(said) == SECTIONS
    assert said["who"].splitlines()[0] != "0"
    assert said["asked"] == "login"
    assert said["key"] == "restrict ssh-x AAAA\n3 ssh-x AAAA"
    assert "@ 3 1 /etc/ssh/sshd_config" in said["lines"]


# No key leaves


LINE = (
    r'''restrict,permitlisten="localhost:5555",Command="echo \"ssh-rsa AAAAfake\" secret",environment="TOKEN=secret"'''
)


def test_no_key_comment_or_command_leaves_the_host(host: Host) -> None:
    keys = host.folder / "keys"
    lines = [
        "ssh-ed25519 AAAAanother secret",
        f"{LINE} ssh-ed25519 AAAAkey secret@laptop",
        'from="secret" ssh-ed25519 AAAAkey secret',
        '"secret',
        "ssh-rsa AAAAother secret",
        "  ssh-ed25519\tAAAAkey",
    ]
    keys.write_text("\n".join(lines) + "\n", encoding="ascii")
    host.sshd(ALLOWS)
    said = host.ask(key_file=str(keys), key_line=2)
    assert said["key"].splitlines() == [
        'restrict,permitlisten="localhost:5555",Command="",environment="" ssh-x AAAA',
        '3 from="" ssh-x AAAA',
        "6 ssh-x AAAA",
    ]
    everything = "\n".join(said.values())
    assert "secret" not in everything
    assert not re.search("AAAA[a-z]", everything)


def test_a_program_that_printed_the_key_is_no_text(host: Host) -> None:
    host.sshd(ALLOWS)
    assert host.ask(key_file="/bin/sh", key_line=1)["key"] == ""


# What the login can't look into


@pytest.mark.parametrize(
    ("include", "closed", "named"),
    [
        ("etc/d/*.conf", {}, ""),
        ("etc/d/*.conf", {"etc/d": 0o700}, "etc/d"),
        ("etc/d/*.conf", {"etc/d": 0o711}, "etc/d"),
        ("etc/d/*.conf", {"etc": 0o700}, "etc"),
        ("etc/d/one.conf", {"etc/d": 0o711}, ""),
        ("etc/d/one.conf", {"etc/d": 0o744}, "etc/d"),
        ("etc/none/*.conf", {}, ""),
        ("etc/none/*.conf", {"etc": 0o711}, ""),
        ("etc/*/one.conf", {}, ""),
        ("etc/*/one.conf", {"etc/d": 0o744}, "etc/d"),
        ("etc/*/*.conf", {"etc/d": 0o711}, "etc/d"),
        ("etc/*/one.conf", {"etc": 0o711}, "etc"),
    ],
)
def test_a_folder_that_sshd_passes_over_in_silence(
    host: Host, include: str, closed: Mapping[str, int], named: str
) -> None:
    top = host.folder / "host"
    (top / "etc/d").mkdir(parents=True)
    (top / "etc/d/one.conf").touch()
    host.sshd(f"debug2: /etc/ssh/sshd_config line 2: new include {top}/{include}", ALLOWS)
    for place, mode in closed.items():
        (top / place).chmod(mode if os.geteuid() == 0 else mode & 0o077 << 3 | mode & 0o077)
    said = host.ask()
    for place in closed:
        (top / place).chmod(0o755)
    assert said["unreadable"].splitlines() == ([f"{top}/{named}"] if named else [])


# sudo

REFUSES = "exit 1"
GRANTED = "debug3: /etc/ssh/sshd_config:1 setting AllowTcpForwarding no"


def sudo(host: Host, *entries: str) -> None:
    """A sudo that lists these entries, says yes to every -l, and runs what it is told to."""
    listing = shlex.join([f"    {entry}" for entry in entries])
    host.program("sudo", f"""
    case "$*" in
      '-n -k -l') printf '%s\\n' 'User nobody may run the following commands on here:' {listing} ;;
      '-n -k -l '*) ;;
      *) echo {shlex.quote(GRANTED)}; echo 'allowtcpforwarding no' ;;
    esac""")  # fmt: skip


needs_no_mailer = pytest.mark.skipif(
    os.access("/usr/sbin/sendmail", os.X_OK) or os.access("/usr/lib/sendmail", os.X_OK), reason="a mailer is installed"
)


def test_sudo_is_not_asked_where_the_logins_own_rights_suffice(host: Host) -> None:
    host.sshd(ALLOWS)
    sudo(host, "(ALL) NOPASSWD: ALL")
    assert host.ask()["asked"] == "login"
    assert not [words for words in host.called if words.startswith("sudo")]


@needs_no_mailer
@pytest.mark.parametrize(
    "entries",
    [
        ["(ALL) NOPASSWD: ALL"],
        ["(ALL : ALL) ALL", "(ALL) NOPASSWD: ALL"],
        ["(root) NOPASSWD: /usr/sbin/sshd"],
        ["(root) NOPASSWD: /usr/sbin/sshd", "(root) NOPASSWD: /bin/true"],
    ],
)
def test_sudo_answers_where_it_wants_no_password(host: Host, entries: list[str]) -> None:
    host.program("sshd", "echo /etc/ssh/sshd_config: Permission denied")
    sudo(host, *entries)
    said = host.ask()
    assert (said["asked"], said["sshd"].splitlines()[0]) == ("sudo", GRANTED)
    listed, granted, ran = [words for words in host.called if words.startswith("sudo")]
    assert listed == "sudo -n -k -l"
    assert granted.replace(" -k -l", "") == ran
    assert re.fullmatch(
        r"sudo -n sshd -T -ddd -C user=deploy,host=192.0.2.1,addr=192.0.2.1,laddr=192.0.2.2,lport=22", ran
    )


@needs_no_mailer
@pytest.mark.parametrize(
    "entries",
    [
        [],
        ["(ALL : ALL) ALL"],
        ["(ALL) NOPASSWD: ALL", "(root) /usr/sbin/sshd"],
        ["(ALL) ALL", "(root) NOPASSWD: /bin/true"],
        ["(root) NOPASSWD: /bin/true, PASSWD: /usr/sbin/sshd"],
    ],
)
def test_a_sudo_that_may_want_a_password_is_told_to_run_nothing(host: Host, entries: list[str]) -> None:
    host.program("sshd", "echo /etc/ssh/sshd_config: Permission denied")
    sudo(host, *entries)
    assert host.ask()["asked"] == "login"
    assert [words for words in host.called if words.startswith("sudo")] == ["sudo -n -k -l"]


# Containers


@pytest.mark.skipif(os.geteuid() != 0, reason="the socket of docker lies in /var/run")
@pytest.mark.parametrize("writable", [True, False])
def test_docker_is_asked_only_where_the_login_may_ask_it(host: Host, writable: bool) -> None:  # noqa: FBT001
    host.sshd(ALLOWS)
    host.program("docker", "echo 'shop-registry (registry:3)'")
    mode = "666" if writable else "600"
    own = f'mount -t tmpfs none /run; : >/run/docker.sock; chmod {mode} /run/docker.sock; exec "$@"'
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        said = host.ask(port=port, before=["unshare", "--mount", "sh", "-ec", own, "sh"])
    assert said["container"] == ("shop-registry (registry:3)" if writable else "")
    filtered = (
        f"docker -H unix:///var/run/docker.sock ps --filter publish={port} --format {{{{.Names}}}} ({{{{.Image}}}})"
    )
    assert [words for words in host.called if "docker" in words] == ([filtered] if writable else [])


# Nothing is written

_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|\b(?:mkdir|rename|unlink|rmdir|symlink|link|chmod|chown|mknod)")


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_no_file_is_written(host: Host, tmp_path: Path) -> None:
    keys = host.folder / "keys"
    keys.write_text("restrict ssh-ed25519 AAAAx b\n", encoding="ascii")
    trace = tmp_path / "trace"
    said = host.ask(
        key_file=str(keys), key_line=1, before=["strace", "-f", "-qq", "-e", "trace=%file", "-o", str(trace)]
    )
    assert ALLOWS in said["sshd"].lower() or said["asked"] == "login"
    calls = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    assert any("/proc/net/tcp" in call for call in calls)
    assert [call for call in calls if _WRITES.search(call) and '"/dev/' not in call] == []
