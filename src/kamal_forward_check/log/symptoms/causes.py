"""Causes that several symptoms share, ranked: the likeliest first."""

from __future__ import annotations

from kamal_forward_check.log.symptom import Cause, Key, Reply

LISTEN = (
    Cause("AllowTcpForwarding is no or local, in sshd_config, a drop-in or a Match block", "KF510", Reply.DISABLED),
    Cause("DisableForwarding is yes: it beats AllowTcpForwarding yes", "KF511", Reply.DISABLED),
    Cause(
        "the key's line in authorized_keys says restrict or no-port-forwarding", "KF501", Reply.DISABLED, Key.WITHHOLDS
    ),
    Cause("PermitListen lists localhost:PORT or other ports, and Kamal asks for 127.0.0.1", "KF512", Reply.UNLISTED),
    Cause("permitlisten in authorized_keys does not list 127.0.0.1:PORT", "KF513", Reply.UNLISTED, Key.LISTS),
    Cause("a program or a container holds the port, one of Kamal's own among them (KF113)", "KF520", Reply.NOTHING),
    Cause("another deploy's forward holds it: one under way, or one whose machine vanished", "KF521", Reply.NOTHING),
    Cause("the user's password has expired: then PAM allows no forward", "KF514", Reply.DISABLED),
    Cause("the port is below 1024, and the user is not root", "KF522", Reply.NOTHING),
    Cause("the address can't be bound: AddressFamily inet6, SELinux", "KF523", Reply.NOTHING),
)  # fmt: skip
"""Why a target does not listen for Kamal."""

JUMP_REFUSES = (
    Cause("AllowTcpForwarding is no or remote, in sshd_config, a drop-in or a Match block", "KF410"),
    Cause("PermitOpen does not list the next hop as Kamal spells it", "KF412"),
    Cause("DisableForwarding is yes: it beats AllowTcpForwarding yes", "KF411"),
    Cause(
        "the key's line in authorized_keys says restrict or no-port-forwarding", "KF401", key=Key.WITHHOLDS
    ),
    Cause("permitopen in authorized_keys does not list the next hop", "KF413", key=Key.LISTS),
    Cause("the user's password has expired: then PAM allows no forward", "KF414"),
)  # fmt: skip
"""Why a jump does not pass a connection on."""

JUMP_LOGIN = (
    Cause("ssh has no key for it: ssh.keys and key_data of deploy.yml never reach a jump, the agent's do", "KF124"),
    Cause("another user: without user@ in ssh.proxy, Kamal logs in as root", "KF120"),
    Cause("the key is not in authorized_keys there, or AllowUsers leaves the user out", "KF301"),
)
"""Why a jump does not let Kamal's ssh in."""

TARGET_LOGIN = (
    Cause("another user: without ssh.user, Kamal logs in as root", "KF302"),
    Cause("no key: the agent is empty or out of reach, or the file of ssh.keys is not there", "KF302"),
    Cause("the key is not in authorized_keys there, or AllowUsers or PermitRootLogin shut the user out", "KF302"),
    Cause("the server takes the key and asks for more (AuthenticationMethods)", "KF303"),
)
"""Why a target does not let net-ssh in."""

CLOSED = (
    Cause("more logins at once than MaxStartups allows: Kamal opens one a host, all together", "KF730"),
    Cause("a penalty for earlier failures (PerSourcePenalties), fail2ban, or a rate limit such as ufw limit", "KF205"),
    Cause("what listens there is not an SSH server", "KF206"),
)
"""Why a connection ends before SSH begins."""
