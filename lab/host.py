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


NOLOGIN = "/usr/sbin/nologin"
"""A shell that runs no command."""


class Pinned(StrEnum):
    """What the deployer's known_hosts says of a host."""

    YES = "yes"
    NO = "no"
    OTHER = "another key"


class Trusted(StrEnum):
    """Where a host trusts the lab's authority, in place of the key itself."""

    NOWHERE = ""
    BY_SSHD = "TrustedUserCAKeys"
    BY_USER = "authorized_keys"


@dataclass(frozen=True)
class PublicKeys:
    """The lab's public keys: the one that opens the hosts, one that opens nothing, and that of its authority."""

    lab: str
    other: str
    authority: str


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
    include_last: bool = False
    """sshd_config includes the drop-ins after `main`, not in its first line."""
    server: tuple[str, ...] = ("/usr/sbin/sshd", "-D", "-e")
    daemon: list[str] = field(default_factory=list)
    """Further arguments of `server`."""
    key_options: str = ""
    key_again: bool = False
    """The key stands on a second line as well, without options."""
    knows_key: bool = True
    trusts: Trusted = Trusted.NOWHERE
    shell: str = "/bin/bash"
    password: str = "*"  # noqa: S105 - none, but not locked: sshd without PAM refuses `!`
    """The login's, as in /etc/shadow."""
    password_expired: bool = False
    """The login's password has expired, which only PAM minds."""
    account_expired: bool = False
    """The login's account has expired, which only PAM minds."""
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
    def pam(self) -> bool:
        """Where PAM is on, its files are the host's own: the machine's would make the lab depend on it."""
        return self.password_expired or self.account_expired

    @property
    def main_text(self) -> str:
        """The text of /etc/ssh/sshd_config, laid out as Debian does."""
        include = "Include /etc/ssh/sshd_config.d/*.conf"
        base = (
            "# This host is a part of the lab.",
            "" if self.include_last else include,
            "",
            f"LogLevel {self.log_level}",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"UsePAM {'yes' if self.pam else 'no'}",
            "AcceptEnv LANG LC_*",
        )
        last = (include,) if self.include_last else ()
        return "\n".join([*base, *self.main, *last, *self.blocks]) + "\n"

    def all_files(self, keys: PublicKeys) -> Mapping[str, File]:
        """Every file of the host's own, by path. The lab's key opens all users, as its options say."""
        files = {MAIN: File(self.main_text), "/usr/local/bin/docker": File(DOCKER, 0o755)}
        files["/etc/ssh/authority.pub"] = File(f"{keys.authority}\n")
        for name, (uid, home) in USERS.items():
            lines = self._login_keys(keys) if name == self.login else [keys.lab]
            text = "\n".join([f"# {name} on {self.name}", *lines]) + "\n"
            files[f"{home}/.ssh/authorized_keys"] = File(text, 0o600, uid)
        if self.pam:
            files["/etc/pam.d/sshd"] = File("account required pam_unix.so\nsession required pam_permit.so\n")
        return files | accounts({self.login: self.shell}, shadow={self.login: self._shadow}) | self.files

    def _login_keys(self, keys: PublicKeys) -> list[str]:
        options, key = self.key_options, keys.lab if self.knows_key else keys.other
        if self.trusts is Trusted.BY_SSHD:
            return []
        if self.trusts is Trusted.BY_USER:
            options, key = f"cert-authority,{options}".rstrip(","), keys.authority
        return [f"{options} {key}".lstrip(), *([key] if self.key_again else [])]

    @property
    def _shadow(self) -> str:
        changed, expires = (0 if self.password_expired else 19000), ("1" if self.account_expired else "")
        return f"{self.password}:{changed}:0:99999:7::{expires}:"


_NO_PASSWORD = "*:19000::::::"  # noqa: S105 - none, but not locked: sshd without PAM refuses `!`


def accounts(
    shells: Mapping[str, str], root: str = "/root", shadow: Mapping[str, str] | None = None
) -> dict[str, File]:
    """/etc/passwd, shadow and group with the lab's users; `shadow` is the line of those who are special, by name."""
    passwd = [f"sshd:x:105:65534::/run/sshd:{NOLOGIN}", f"nobody:x:65534:65534::/nonexistent:{NOLOGIN}"]
    secret, group = [f"{name}:{_NO_PASSWORD}" for name in ("sshd", "nobody")], ["tty:x:5:", "nogroup:x:65534:"]
    for name, (uid, home) in USERS.items():
        passwd.append(f"{name}:x:{uid}:{uid}::{root if uid == 0 else home}:{shells.get(name, '/bin/bash')}")
        secret.append(f"{name}:{(shadow or {}).get(name, _NO_PASSWORD)}")
        group.append(f"{name}:x:{uid}:")
    return {
        "/etc/passwd": File("\n".join(passwd) + "\n"),
        "/etc/shadow": File("\n".join(secret) + "\n", 0o600),
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
