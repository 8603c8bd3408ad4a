"""Why a server refused that is not OpenSSH's."""

from __future__ import annotations

import pytest

from kamal_forward_check.model import Aside, Hop
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.refusal import explain
from kamal_forward_check.sshd.why import Why
from tests.sshd.refusals import (
    LISTEN,
    NEXT,
    OPENED,
    STREAMLOCAL,
    keywords,
    of_target,
)
from tests.sshd.said import said
from tests.sshd.seen import JUMP, TARGET, refused


@pytest.mark.parametrize(
    ("daemon", "of", "ranked"),
    [
        ("", TARGET, ["dropbear -k", "authorized_keys", "port in use"]),
        ("/usr/sbin/dropbear -F -E", TARGET, ["authorized_keys", "port in use"]),
        ("/usr/sbin/dropbear -FEk -p 22", TARGET, ["dropbear -k", "authorized_keys", "port in use"]),
        ("/usr/sbin/dropbear -k", JUMP, ["authorized_keys"]),
        ("/usr/sbin/dropbear -s -j", JUMP, ["dropbear -j", "authorized_keys"]),
    ],
)
def test_dropbear_is_known_by_its_command_line(daemon: str, of: Hop, ranked: list[str]) -> None:
    seen = refused(of, key="", version="SSH-2.0-dropbear_2022.83", said={"daemon": daemon})
    assert keywords(explain(seen, LISTEN if of is TARGET else NEXT)) == ranked


def test_a_port_that_dropbear_could_not_have() -> None:
    sockets = said("port-in-use")["sockets"]
    found = of_target(refused(TARGET, key="", version="SSH-2.0-dropbear_2022.83", said={"sockets": sockets}))
    assert (found.why, found.holder) == (Why.PORT_TAKEN, "a program of root")


@pytest.mark.parametrize("version", ["SSH-2.0-dropbear_2022.83", "SSH-2.0-Tailscale", "SSH-2.0-Teleport"])
@pytest.mark.parametrize(("of", "asked"), [(TARGET, LISTEN), (JUMP, NEXT)], ids=["target", "jump"])
def test_another_server_is_not_told_to_change_sshd_config(version: str, of: Hop, asked: list[Asked]) -> None:
    asides = {Aside.OWN_SSHD: OPENED, Aside.STREAMLOCAL: STREAMLOCAL}
    found = explain(refused(of, key="", version=version, asides=asides), asked)
    assert (found.why, found.lines) == (Why.UNDECIDED, ())
    words = " ".join(f"{c.keyword} {c.why} {c.settle}" for c in found.candidates)
    assert "AllowTcpForwarding" not in words
    assert "sshd -T" not in words
