"""Why a target that allows the forward could not have the port."""

from __future__ import annotations

import pytest

from kamal_forward_check.model import Aside, AsideAnswer
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.why import Refusal, Why
from tests.sshd.refusals import (
    OPENED,
    REFUSED,
    keywords,
    of_target,
    only,
)
from tests.sshd.seen import TARGET, config, hop, refused


@pytest.mark.parametrize(
    ("asked", "user", "other", "why"),
    [
        (Asked("127.0.0.1", 555), "deploy", REFUSED, Why.PRIVILEGED),
        (Asked("127.0.0.1", 555), "root", OPENED, Why.CANNOT_BIND),
        (Asked("127.0.0.1", 5555), "deploy", OPENED, Why.CANNOT_BIND),
        (Asked("127.0.0.1", 5555), "deploy", REFUSED, Why.CANNOT_BIND),
    ],
    ids=["below 1024", "below 1024 as root", "another port is free", "no port at all"],
)
def test_forwarding_is_allowed_and_the_port_not_to_be_had(
    asked: Asked, user: str, other: AsideAnswer, why: Why
) -> None:
    seen = refused(hop(user=user), asides={Aside.OTHER_PORT: other})
    assert of_target(seen, [asked]).why is why


def of_port(other: AsideAnswer | None = None, **said: str) -> Refusal:
    """A port that sshd could not have, and what the host said of itself."""
    asides = {Aside.OTHER_PORT: other} if other else {}
    return of_target(refused(TARGET, said=config() | said if said else {}, asides=asides))


@pytest.mark.parametrize(
    ("other", "ranked"),
    [
        (OPENED, ["port in use", "SELinux", "sshd's log"]),
        (REFUSED, ["port in use", "SELinux", "AddressFamily", "sshd's log"]),
        (None, ["port in use", "SELinux", "AddressFamily", "sshd's log"]),
    ],
    ids=["another port is free", "no port at all", "not asked"],
)
def test_a_port_on_the_wire_alone(other: AsideAnswer | None, ranked: list[str]) -> None:
    found = of_port(other)
    assert (found.why, keywords(found)) == (Why.CANNOT_BIND, ranked)


@pytest.mark.parametrize(
    ("security", "ranked"),
    [
        ("", ["sshd's log"]),
        ("selinux 0", ["sshd's log"]),
        ("selinux 1\nlabel system_u:system_r:sshd_t:s0-s0:c0.c1023", ["SELinux", "sshd's log"]),
        ("label unconfined", ["sshd's log"]),
        ("label /usr/sbin/sshd (enforce)", ["AppArmor", "sshd's log"]),
    ],
)
def test_what_the_host_rules_out_is_no_candidate(security: str, ranked: list[str]) -> None:
    found = of_port(sockets="", security=security)
    assert (found.why, keywords(found)) == (Why.CANNOT_BIND, ranked)


def test_a_host_without_ipv4_names_its_line() -> None:
    holds = config("AddressFamily inet6", values={"addressfamily": "inet6"})
    found = of_target(refused(TARGET, said=holds))
    assert (found.why, only(found).line, only(found).change_to) == (Why.FAMILY, 1, "AddressFamily any")


def test_a_host_without_loopback() -> None:
    assert of_port(network="loopback 0\nunprivileged 1024").why is Why.NO_LOOPBACK


@pytest.mark.parametrize(("start", "why"), [("1024", Why.PRIVILEGED), ("80", Why.CANNOT_BIND), ("", Why.PRIVILEGED)])
def test_the_kernel_says_which_ports_are_roots(start: str, why: Why) -> None:
    said = config() | {"network": f"unprivileged {start}", "sockets": ""}
    assert of_target(refused(TARGET, said=said), [Asked("127.0.0.1", 443)]).why is why


def test_root_by_another_name_may_listen_anywhere() -> None:
    said = config() | {"who": "0\ntoor\n192.0.2.2 4000 198.51.100.12 22"}
    assert of_target(refused(hop(user="toor"), said=said), [Asked("127.0.0.1", 443)]).why is Why.CANNOT_BIND


def test_a_container_is_named() -> None:
    sockets = "0: 00000000:15B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0"
    found = of_port(sockets=sockets, container="shop-registry (registry:3)")
    assert (found.why, found.holder) == (Why.PORT_TAKEN, "the container shop-registry (registry:3)")
