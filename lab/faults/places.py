"""Where the deciding line stands: drop-ins, includes, Match blocks, the daemon's own command line, out of sight."""

from __future__ import annotations

from lab.faults.registry import BOTH, NEITHER, TARGET, block, fault, files
from lab.host import MAIN, USERS, File, Host, accounts

FOLDER = "/etc/ssh/sshd_config.d"
DROP_IN = f"{FOLDER}/50-hardening.conf"
COMPLIANCE = f"{FOLDER}/00-complianceascode-hardening.conf"
OTHER_FILE = "/etc/ssh/sshd_kamal"

_HARDENING = "# Hardening\n# CIS 5.2.20\nAllowTcpForwarding no\nX11Forwarding no\n"

# Drop-ins: Debian's main file includes them in its first line, so the first of them wins

files("allow-tcp-forwarding-no-dropin", BOTH, {DROP_IN: _HARDENING})
files("allow-tcp-forwarding-no-two-lines", BOTH, {DROP_IN: _HARDENING}, "AllowTcpForwarding yes")
files("allow-tcp-forwarding-no-crlf", BOTH, {DROP_IN: _HARDENING.replace("\n", "\r\n")})
files("disable-forwarding-dropin", BOTH, {DROP_IN: "DisableForwarding yes\nAllowTcpForwarding yes\n"})
files(
    "dropin-order", BOTH,
    # sorted as text: 10- comes first, 9- last
    {f"{FOLDER}/10-banner.conf": "# nothing to say\nPrintMotd no\n", DROP_IN: _HARDENING,
     f"{FOLDER}/9-kamal.conf": "AllowTcpForwarding yes\n"},
)  # fmt: skip
files(
    "allow-tcp-forwarding-no-nested", BOTH,
    {f"{FOLDER}/20-company.conf": "# of the company\nInclude /etc/ssh/company/*.conf\n",
     "/etc/ssh/company/forwards.conf": "X11Forwarding no\nAllowTcpForwarding no\n"},
    "AllowTcpForwarding yes",
)  # fmt: skip


@fault("allow-tcp-forwarding-no-match-include", BOTH)
def _match_include(host: Host) -> None:
    """AllowTcpForwarding yes for all, but a Match block in an included file says no."""
    host.main.append("AllowTcpForwarding yes")
    host.files[f"{FOLDER}/60-people.conf"] = File(f"Match User {host.login}\n  AllowTcpForwarding no\n")


@fault("compliance-dropin", BOTH)
def _compliance(host: Host) -> None:
    """A compliance tool's drop-in, which sorts first and only root can read; a later one allows, in vain."""
    host.files[COMPLIANCE] = File("# Per CCE-80 set AllowTcpForwarding\nAllowTcpForwarding no\n", 0o600)
    host.files[f"{FOLDER}/10-kamal.conf"] = File("AllowTcpForwarding yes\n")


@fault("include-at-the-end", BOTH)
def _include_last(host: Host) -> None:
    """The main file says no before it includes the drop-ins, of which one says yes, in vain."""
    host.include_last = True
    host.main.append("AllowTcpForwarding no")
    host.files[f"{FOLDER}/10-kamal.conf"] = File("AllowTcpForwarding yes\n")


@fault("appended-to-the-end", BOTH)
def _appended(host: Host) -> None:
    """A hardening template that ends in a Match block; the yes that somebody appended belongs to that block."""
    host.main += ["AllowTcpForwarding no", "PermitTunnel no"]
    host.blocks += ["Match Group sftponly", "    ForceCommand internal-sftp", "    AllowTcpForwarding no"]
    host.blocks += ["AllowTcpForwarding yes"]


# Match blocks: what they say goes before what stands outside of them

block("allow-tcp-forwarding-no-match-user", BOTH,
      "Match User {login}", "    X11Forwarding no", "    AllowTcpForwarding no")  # fmt: skip
block("match-group", BOTH, "Match Group {login}", "    AllowTcpForwarding no")
block("match-address", BOTH, "Match Address 198.51.100.0/24,192.0.2.0/24", "    AllowTcpForwarding no")
block("match-local-port", BOTH, "Match LocalPort 22", "    AllowTcpForwarding no")
block("match-negated", BOTH, "Match User *,!root", "    AllowTcpForwarding no")
block("match-all", BOTH, "Match User nobody", "    X11Forwarding no", "Match all", "    AllowTcpForwarding no")
block("match-several", BOTH,
      "Match User {login}", "    X11Forwarding no", "Match Group {login}", "    AllowTcpForwarding no",
      "Match LocalPort 22", "    AllowTcpForwarding yes")  # fmt: skip
block("match-disable-forwarding", BOTH, "Match User {login}", "    DisableForwarding yes")
block("match-permit-listen", (TARGET,), "Match User {login}", "    PermitListen 127.0.0.1:5556")
block("match-another", NEITHER, "Match User nobody", "    AllowTcpForwarding no", "Match LocalPort 2222",
      "    DisableForwarding yes")  # fmt: skip


@fault("two-names", BOTH)
def _two_names(host: Host) -> None:
    """Another user has the login's uid, and stands before it in passwd; a Match block forbids it to the login."""
    passwd, (uid, home) = accounts({})["/etc/passwd"].text, USERS[host.login]
    other = f"backup:x:{uid}:{uid}::{home}:/bin/bash\n"
    host.files["/etc/passwd"] = File(passwd.replace(f"{host.login}:x:", f"{other}{host.login}:x:"))
    host.main.append("AllowTcpForwarding yes")
    host.blocks += [f"Match User {host.login}", "    AllowTcpForwarding no"]


@fault("match-allows", NEITHER)
def _match_allows(host: Host) -> None:
    """AllowTcpForwarding no for all, and yes for this login."""
    host.main.append("AllowTcpForwarding no")
    host.blocks += [f"Match User {host.login}", "    AllowTcpForwarding yes"]


# The daemon's command line


@fault("allow-tcp-forwarding-no-option", BOTH)
def _option(host: Host) -> None:
    """The daemon was started with -o AllowTcpForwarding=no; no file says so."""
    host.daemon += ["-o", "AllowTcpForwarding=no"]


@fault("several-options", BOTH)
def _several_options(host: Host) -> None:
    """The daemon was started with three -o, of which two forbid the forward, written in all ways."""
    host.daemon += ["-o", "X11Forwarding=no", "-oAllowTcpForwarding no", "-o", "PermitListen=5556 5557"]
    host.daemon += ["-o", "PermitOpen 10.9.9.9:22 10.9.9.9:80"]


@fault("relative-file", BOTH)
def _relative_file(host: Host) -> None:
    """The daemon was started with -f and a name without a folder; in the login's home lies a file of that name."""
    host.files["/etc/ssh/kamal"] = File("PasswordAuthentication no\nUsePAM no\nAllowTcpForwarding no\n")
    home = USERS[host.login][1]
    host.files[f"{home}/kamal"] = File("AllowTcpForwarding yes\nUsePAM no\n")
    host.before.append("cd /etc/ssh")
    host.daemon += ["-f", "kamal"]


@fault("another-name", BOTH)
def _another_name(host: Host) -> None:
    """The daemon is a program of another name, which forbids."""
    host.main.append("AllowTcpForwarding no")
    host.before.append("cp /usr/sbin/sshd /usr/local/bin/a-daemon-of-a-long-name")
    host.server = ("/usr/local/bin/a-daemon-of-a-long-name", "-D", "-e")


@fault("other-file", BOTH)
def _other_file(host: Host) -> None:
    """The daemon was started with another file, which forbids; /etc/ssh/sshd_config allows."""
    host.main.append("AllowTcpForwarding yes")
    host.files[OTHER_FILE] = File("PasswordAuthentication no\nUsePAM no\nAllowTcpForwarding no\n")
    host.daemon += ["-f", OTHER_FILE]


@fault("another-daemon", BOTH)
def _another_daemon(host: Host) -> None:
    """The system's sshd, which allows, serves port 2222; another one with another file serves port 22."""
    _other_file(host)
    host.after.append("/usr/sbin/sshd -D -e -p 2222 -o PidFile=none >&2 &")
    host.ports.append(2222)


@fault("allow-tcp-forwarding-no-loaded", BOTH)
def _loaded(host: Host) -> None:
    """The daemon runs with AllowTcpForwarding no; the file says yes by now, but sshd was not reloaded."""
    host.main.append("AllowTcpForwarding no")
    host.after += [
        "until [ -s /run/sshd.pid ]; do sleep 0.01; done",  # sshd writes it after it listens
        f"sed -i 's/^AllowTcpForwarding no/AllowTcpForwarding yes/' {MAIN}",
        f"until [ {MAIN} -nt /run/sshd.pid ]; do touch {MAIN}; done",  # times are as fine as the kernel's ticks
    ]


# Out of the login's sight


@fault("allow-tcp-forwarding-no-unreadable", BOTH)
def _unreadable(host: Host) -> None:
    """AllowTcpForwarding no in a main file that only root can read."""
    host.main.append("AllowTcpForwarding no")
    host.before.append(f"chmod 600 {MAIN}")


@fault("unreadable-folder", BOTH)
def _unreadable_folder(host: Host) -> None:
    """AllowTcpForwarding no in a drop-in whose folder only root can enter; the main file says yes, in vain."""
    host.files[DROP_IN] = File(_HARDENING)
    host.main.append("AllowTcpForwarding yes")
    host.before.append(f"chmod 700 {FOLDER}")


@fault("sudo-for-sshd", NEITHER, needs=("sudo",))
def _sudo(host: Host) -> None:
    """The login may run sshd -T as root, without a password."""
    rule = f"{host.login} ALL=(root) NOPASSWD: /usr/sbin/sshd"
    host.files["/etc/sudoers"] = File(f"root ALL=(ALL) ALL\n{rule}\n", 0o440)


@fault("sudo-for-nothing", NEITHER, needs=("sudo",))
def _sudo_refused(host: Host) -> None:
    """The login may do nothing as root, and each try is mailed to the administrator."""
    mailer = "/usr/local/bin/mailer"
    host.files[mailer] = File("#!/bin/sh\ncat >> /var/log/mailed\n", 0o755)
    says = f"Defaults mail_always, mail_badpass, mail_no_user, mail_no_perms, mailerpath={mailer}, mailto=root"
    host.files["/etc/sudoers"] = File(f"{says}\nroot ALL=(ALL) ALL\n", 0o440)
