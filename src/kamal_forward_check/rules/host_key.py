"""KF2xx, continued: the key that a host shows."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from kamal_forward_check.model import Cause, Client, Fix, Role, Severity, Stage
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.reach import hit
from kamal_forward_check.rules.registry import Hit, rule


@rule("KF210", name="host-key-unknown", title="A host's key is not in known_hosts")
def host_key_unknown(facts: Facts) -> Iterator[Hit]:
    """
    Kamal dials a jump with the system's ssh, which asks before it trusts a new key; without a terminal it
    stops with `Host key verification failed.` Targets are dialled by net-ssh, which accepts new keys, unless
    ssh_config says `StrictHostKeyChecking yes`.

    ## Fix
    Compare the fingerprint with the one that the server itself shows (its console, or
    `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there), then add the line to `~/.ssh/known_hosts` of
    the deploying machine. In the action: `ssh-known-hosts`.

    ## See it by hand
    `ssh -o BatchMode=yes JUMP true`
    """
    for stop in facts.stops(Stage.HOST_KEY, Cause.HOST_KEY_UNKNOWN):
        hop, key = stop.seen.hop, stop.seen.host_key
        line = key.line if key else ""
        client = "Kamal's ssh" if hop.dialled_by is Client.OPENSSH else "net-ssh"
        yield hit(
            stop,
            f"the key of {hop.host} is not in known_hosts, and {client} stops there",
            "Compare the fingerprint with the server's own, then add the line to known_hosts.",
            why=f"It shows {key.kind} {key.fingerprint}. To pin it: {line}" if key else "",
            commands=(
                "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   # on the server's console: compare",
                *([f"echo {shlex.quote(line)} >> ~/.ssh/known_hosts   # on the deploying machine"] if line else []),
            ),
        )


@rule("KF211", name="host-key-changed", title="A host shows another key than known_hosts has")
def host_key_changed(facts: Facts) -> Iterator[Hit]:
    """
    known_hosts has a key for this host, and the host shows another. It was set up anew, its address now
    belongs to another machine, or somebody stands in between. Both of Kamal's clients stop there, as they
    should.

    ## Fix
    First find out why it changed: compare the fingerprint on the server's console. Only then remove the old
    line, and pin the new key.

    ## See it by hand
    `ssh-keygen -F HOST` shows what known_hosts has.
    """
    for stop in facts.stops(Stage.HOST_KEY, Cause.HOST_KEY_CHANGED):
        hop, key = stop.seen.hop, stop.seen.host_key
        name = hop.host_key_rule.names[0]
        yield hit(
            stop,
            f"{hop.host} shows another host key than known_hosts has",
            "Find out why it changed, and compare the fingerprint on the server; only then replace the line.",
            why=f"It shows {key.kind} {key.fingerprint}." if key else "",
            commands=(
                "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   # on the server's console: compare",
                f"ssh-keygen -R {shlex.quote(name)}",
            ),
        )


@rule("KF220", name="key-accepted", title="A target's key is not pinned", severity=Severity.NOTICE)
def key_accepted(facts: Facts) -> Iterator[Hit]:
    """
    net-ssh, with which Kamal dials the targets, accepts the key of a host that it has not met. That works,
    and whoever stands between at the first deploy is believed as well. It stops working the day the host is
    reached as a jump, or as a remote builder: the system's ssh does not accept new keys.

    ## Fix
    Compare the fingerprint with the server's own, and add the line to known_hosts.

    ## See it by hand
    `ssh-keygen -F HOST`
    """
    for seen, affects in facts.hops():
        key = seen.host_key
        if key and not key.known and seen.hop.role is Role.TARGET and seen.hop.host_key_rule.accept_unknown:
            yield Hit(
                message=f"the key of {seen.hop.host} is not in known_hosts; Kamal accepts it unseen",
                hop=seen.hop,
                affects=affects,
                location=seen.hop.origin,
                fix=Fix(
                    "Compare the fingerprint with the server's own, and pin the key.",
                    commands=(f"echo {shlex.quote(key.line)} >> ~/.ssh/known_hosts   # {key.fingerprint}",),
                ),
                same="targets",
            )
