"""What one host of the lab is to be: its networks, users, sshd's files, and what runs on it. Faults edit this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MAIN = "/etc/ssh/sshd_config"

NETWORKS = {"front": "192.0.2", "back": "198.51.100", "inner": "203.0.113"}
"""The lab's networks and the first three numbers of their addresses (RFC 5737). The deployer is on `front`."""

USERS = {"root": (0, "/root"), "deploy": (1001, "/home/deploy"), "ops": (1002, "/home/ops")}
"""Who can log in on a host: uid, which is the gid as well, and home."""


class Pinned(StrEnum):
    """What the deployer's known_hosts says of a host."""

    YES = "yes"
    NO = "no"
    OTHER = "another key"


@dataclass(frozen=True)
class File:
    """A file of a host."""

    text: str
    mode: int = 0o644
    owner: int = 0


@dataclass
class Host:
    """A host, before and while it runs. `address` is by network."""

    name: str
    on: tuple[str, ...]
    faults: tuple[str, ...] = ()
    login: str = "root"
    """The user that the deployer will log in as: some faults are for this user alone."""
    log_level: str = "INFO"
    address: dict[str, str] = field(default_factory=dict)
    port: int = 22

    main: list[str] = field(default_factory=list)
    """Lines of sshd_config after the base lines and before `blocks`."""
    blocks: list[str] = field(default_factory=list)
    """Lines of sshd_config at its end: Match blocks."""
    files: dict[str, File] = field(default_factory=dict)
    daemon: list[str] = field(default_factory=list)
    """Further arguments of sshd."""
    key_options: str = ""
    knows_key: bool = True
    shell: str = "/bin/bash"
    password_expired: bool = False
    """The login's password has expired, which only PAM minds."""
    pinned: Pinned | None = None
    """None: a host on two networks is pinned, as a jump must be; others are not, as Kamal does not mind."""
    in_hosts: bool = True
    """The other hosts' /etc/hosts has this host's name."""
    runs: bool = True
    """Its sshd is started."""
    before: list[str] = field(default_factory=list)
    """Commands as root before sshd starts."""
    after: list[str] = field(default_factory=list)
    """Commands as root once sshd listens."""
    ports: list[int] = field(default_factory=list)
    """Ports that `after` opens: the host is ready when they listen."""

    @property
    def main_text(self) -> str:
        """The text of /etc/ssh/sshd_config, laid out as Debian does."""
        base = (
            "# This host is a part of the lab.",
            "Include /etc/ssh/sshd_config.d/*.conf",
            "",
            f"LogLevel {self.log_level}",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            # Where PAM is on, its files are the host's own: the machine's would make the lab depend on it.
            f"UsePAM {'yes' if self.password_expired else 'no'}",
            "AcceptEnv LANG LC_*",
        )
        return "\n".join([*base, *self.main, *self.blocks]) + "\n"

    def all_files(self, public_key: str, other_key: str) -> Mapping[str, File]:
        """Every file of the host's own, by path. The lab's key opens all users, as its options say."""
        who = "" if self.knows_key else other_key
        files = {MAIN: File(self.main_text), "/usr/local/bin/docker": File(DOCKER, 0o755)}
        for name, (uid, home) in USERS.items():
            options = self.key_options if name == self.login else ""
            key = who if name == self.login and who else public_key
            lines = f"# {name} on {self.name}\n{options}{' ' if options else ''}{key}\n"
            files[f"{home}/.ssh/authorized_keys"] = File(lines, 0o600, uid)
        if self.password_expired:
            files["/etc/pam.d/sshd"] = File("account required pam_unix.so\nsession required pam_permit.so\n")
        expired = self.login if self.password_expired else ""
        return files | accounts({self.login: self.shell}, expired=expired) | self.files


def accounts(shells: Mapping[str, str], root: str = "/root", expired: str = "") -> dict[str, File]:
    """/etc/passwd, shadow and group with the lab's users; `expired` is one whose password has."""
    passwd = ["sshd:x:105:65534::/run/sshd:/usr/sbin/nologin", "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin"]
    shadow, group = ["sshd:*:19000::::::", "nobody:*:19000::::::"], ["tty:x:5:", "nogroup:x:65534:"]
    for name, (uid, home) in USERS.items():
        passwd.append(f"{name}:x:{uid}:{uid}::{root if uid == 0 else home}:{shells.get(name, '/bin/bash')}")
        changed = "0:0:99999:7" if name == expired else "19000:::"
        shadow.append(f"{name}:*:{changed}:::")  # no password, but not locked: sshd without PAM refuses `!`
        group.append(f"{name}:x:{uid}:")
    return {
        "/etc/passwd": File("\n".join(passwd) + "\n"),
        "/etc/shadow": File("\n".join(shadow) + "\n", 0o600),
        "/etc/group": File("\n".join(group) + "\n"),
        "/etc/nsswitch.conf": File("passwd: files\ngroup: files\nshadow: files\nhosts: files\n"),
    }


DOCKER = """\
#!/bin/sh
# As much of Docker as `kamal build pull` wants: a pull asks the registry on this host's loopback, and so fails as
# Docker does where the forward carries no data. (A host without bash is not asked.)
case "$1" in
  pull) registry=${2%%/*}; port=${registry##*:}; export port
    bash -c : 2>/dev/null || exit 0
    timeout 5 bash -c '
      exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
      printf "GET /v2/ HTTP/1.0\\r\\nHost: localhost:%s\\r\\nUser-Agent: docker/stub\\r\\n\\r\\n" "$port" >&3
      read -r protocol status rest <&3; [ "$status" = 200 ]' ||
    { echo "Error response from daemon: no answer" >&2; exit 1; } ;;
  inspect) for image; do :; done; image=${image##*/}; echo "${image%%:*}" ;;
esac
"""
