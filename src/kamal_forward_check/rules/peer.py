"""KF2xx, continued: a server with which Kamal's client can't come to terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kamal_forward_check.model import Cause, Certainty, ServerLine, Stage
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.reach import hit
from kamal_forward_check.rules.registry import Hit, rule
from kamal_forward_check.rules.stops import Stop
from kamal_forward_check.sshd import net_ssh
from kamal_forward_check.sshd.candidates import locate
from kamal_forward_check.sshd.net_ssh import Unshared
from kamal_forward_check.sshd.refusal import IN_SSHD_CONFIG

_NAMED = {
    net_ssh.KEX: "key exchange",
    net_ssh.HOST_KEY: "type of host key",
    net_ssh.CIPHERS: "cipher",
    net_ssh.MACS: "MAC",
}
_TO_ADD = {
    net_ssh.KEX: "ecdh-sha2-nistp256",
    net_ssh.HOST_KEY: "ssh-ed25519",
    net_ssh.CIPHERS: "aes256-gcm@openssh.com",
    net_ssh.MACS: "hmac-sha2-256-etm@openssh.com",
}
"""By its keyword: one that net-ssh and every OpenSSH since 6.7 have, and no hardening guide forbids."""

_HOST_KEYS = "sudo ssh-keygen -A   # makes those of the usual host keys that are missing"


@rule("KF207", name="no-common-algorithm", title="Kamal's client and a server share no algorithm")
def no_common_algorithm(facts: Facts) -> Iterator[Hit]:
    """
    Client and server each name the algorithms that they take, and both must have one of each kind: key exchange,
    host key, cipher, MAC. Kamal dials its targets with net-ssh, which has fewer than ssh: neither curve25519 nor a
    post-quantum key exchange, no chacha20, no umac. It wants a common MAC even where the cipher needs none. So
    `ssh HOST` works, and Kamal says `could not settle on kex algorithm` (or `encryption_client`, `hmac_client`).

    ## Fix
    Let the server take one more algorithm: the report shows the line. It goes where the list stands now; a second
    line of the same keyword counts for nothing. Or, for curve25519 alone, add the gem `x25519` to the bundle that
    Kamal runs in.

    ## See it by hand
    `ssh -vv HOST true 2>&1 | grep 'KEX algorithms'` shows both lists; the report shows those of net-ssh.
    """
    for stop in facts.stops(Stage.REACH, Cause.NO_COMMON_ALGORITHM):
        hop, theirs = stop.seen.hop, stop.seen.heard.algorithms
        found = net_ssh.unshared(hop.proposes, theirs) if hop.proposes and theirs else ()
        yield _of_net_ssh(stop, found) if found else _of_ssh(stop)


@rule("KF209", name="not-plain-sshd", title="The server is no plain sshd, and refuses by its own rules")
def not_plain_sshd(facts: Facts) -> Iterator[Hit]:
    """
    The server's version says that it is not OpenSSH: Tailscale SSH, Cloudflare Access, Teleport, a gateway written in
    Go, a file service. It has rules of its own, and sshd_config on the host has no say in them. Some of these can't
    forward remote ports at all, which Kamal needs on every target.

    ## Fix
    Update it, and allow remote forwards in its own policy, where it can forward them; else let Kamal reach a plain
    sshd on the host (another port, another address, a tunnel that carries TCP).

    ## See it by hand
    `nc HOST 22` shows the version in its first line; `ssh -v` shows it as `remote software version`.
    """
    for stop, found in facts.by_own_rules():
        hop, stage = stop.seen.hop, stop.observation.stage
        refuses = "the login" if stage is Stage.LOGIN else "the listen" if stage is Stage.LISTEN else "to forward"
        made = hit(stop, f"{hop.host} is {found.name}, and refuses {refuses}", found.way_out, why=found.known)
        said = stop.seen.login.banner
        if said:
            made = replace(made, evidence=(*made.evidence, f"it says: {' '.join(said.split())}"))
        yield made


def _of_net_ssh(stop: Stop, found: tuple[Unshared, ...]) -> Hit:
    host = stop.seen.hop.host.value
    lines = [_line(host, kind) for kind in found]
    kinds = " and no ".join(_NAMED[kind.keyword] for kind in found)
    gems = [gem for gem, (keyword, names) in net_ssh.OF_GEMS.items() for kind in found
            if keyword == kind.keyword and set(names) & set(kind.server)]  # fmt: skip
    made = hit(
        stop,
        f"net-ssh and {host} share no {kinds}",
        f"In sshd_config of {host}, add what net-ssh takes: {'; '.join(line.change_to for line in lines)}.",
        why=" ".join(
            (
                *(f"{host} takes {_listed(kind.server)}; net-ssh takes {_listed(kind.client)}." for kind in found),
                *(
                    f"With the gem {gem} in the bundle that Kamal runs in, net-ssh takes the server's too."
                    for gem in gems
                ),
            )
        ),
        commands=(
            *(locate(stop.seen, kind.keyword) for kind in found),
            *([_HOST_KEYS] if net_ssh.HOST_KEY in {kind.keyword for kind in found} else []),
        ),
    )
    return replace(made, server_line=lines[0], same=tuple(replace(line, host="") for line in lines))


def _line(host: str, kind: Unshared) -> ServerLine:
    whole = ",".join((*kind.server, _TO_ADD[kind.keyword]))
    return ServerLine(host, IN_SSHD_CONFIG, None, kind.keyword, "", f"{kind.keyword} {whole}", Certainty.KEYWORD)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _of_ssh(stop: Stop) -> Hit:
    host = stop.seen.hop.host
    return hit(
        stop,
        f"Kamal's ssh and {host} share no algorithm",
        f"Update OpenSSH on this machine or on {host}, or let both take one more algorithm of the kind that ssh names.",
        why=stop.observation.detail,
        commands=("ssh -Q kex; ssh -Q cipher; ssh -Q mac; ssh -Q HostKeyAlgorithms   # what this machine's ssh has",),
    )
