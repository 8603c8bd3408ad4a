"""Why a hop refused, as far as its answers alone can tell."""

from __future__ import annotations

import pytest

from kamal_forward_check.model import Aside, AsideAnswer, Certainty
from kamal_forward_check.sshd.refusal import explain
from kamal_forward_check.sshd.why import Why
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED, PERMIT_REFUSED
from tests.sshd.refusals import (
    CODE_1,
    CODE_2,
    KEY_LISTS,
    NEXT,
    NO_STREAMLOCAL,
    OPENED,
    REFUSED,
    STREAMLOCAL,
    keywords,
    of_target,
    only,
)
from tests.sshd.seen import JUMP, TARGET, refused


@pytest.mark.parametrize(
    ("own_sshd", "streamlocal", "why", "wanted"),
    [
        (OPENED, STREAMLOCAL, Why.OFF, "AllowTcpForwarding yes"),
        (CODE_2, STREAMLOCAL, Why.OFF, "AllowTcpForwarding yes"),
        (CODE_1, STREAMLOCAL, Why.OFF, "AllowTcpForwarding remote"),
        (CODE_1, NO_STREAMLOCAL, Why.UNDECIDED, ""),
    ],
    ids=["local: opened", "local: nobody there", "no", "perhaps DisableForwarding"],
)
def test_a_target_on_the_wire(own_sshd: AsideAnswer, streamlocal: AsideAnswer, why: Why, wanted: str) -> None:
    asides = {Aside.OWN_SSHD: own_sshd, Aside.STREAMLOCAL: streamlocal}
    found = of_target(refused(TARGET, FORWARDING_DISABLED, asides=asides))
    assert found.why is why
    assert [(line.change_to, line.certainty) for line in found.lines] == (
        [(wanted, Certainty.KEYWORD)] if wanted else []
    )


def test_a_target_that_may_have_disabled_all() -> None:
    asides = {Aside.OWN_SSHD: CODE_1, Aside.STREAMLOCAL: NO_STREAMLOCAL}
    found = of_target(refused(TARGET, FORWARDING_DISABLED, asides=asides))
    assert keywords(found) == ["DisableForwarding", "AllowTcpForwarding", "password expired"]


def test_a_target_that_answered_no_further_question() -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED))
    assert (found.why, keywords(found)[0]) == (Why.UNDECIDED, "AllowTcpForwarding")


def test_permit_listen_on_the_wire() -> None:
    found = of_target(refused(TARGET, PERMIT_REFUSED))
    assert (found.why, only(found).change_to) == (Why.LIST, "PermitListen 127.0.0.1:5555")
    assert only(found).certainty is Certainty.KEYWORD


@pytest.mark.parametrize("key", [KEY_LISTS, ""], ids=["the key has a list", "nothing was told of the key"])
def test_a_list_on_the_wire_may_be_the_keys_or_the_files(key: str) -> None:
    found = of_target(refused(TARGET, PERMIT_REFUSED, key=key))
    assert (found.why, keywords(found)) == (Why.UNDECIDED, ["permitlisten", "PermitListen"])


def test_a_jump_that_opens_other_channels_has_a_list() -> None:
    asides = {Aside.OWN_SSHD: OPENED, Aside.STREAMLOCAL: STREAMLOCAL}
    found = explain(refused(JUMP, asides=asides), NEXT)
    assert (found.why, only(found).change_to) == (Why.LIST, "PermitOpen web-1:22")


@pytest.mark.parametrize(
    ("streamlocal", "ranked"),
    [
        (STREAMLOCAL, ["AllowTcpForwarding", "PermitOpen"]),
        (NO_STREAMLOCAL, ["DisableForwarding", "AllowTcpForwarding", "PermitOpen", "password expired"]),
        (REFUSED, ["AllowTcpForwarding", "PermitOpen"]),
        (None, ["AllowTcpForwarding", "DisableForwarding", "PermitOpen", "password expired"]),
    ],
    ids=["allows sockets", "forbids sockets", "allows sockets in silence", "not asked"],
)
def test_a_jump_that_opens_no_channel(streamlocal: AsideAnswer | None, ranked: list[str]) -> None:
    asides = {Aside.OWN_SSHD: CODE_1} | ({Aside.STREAMLOCAL: streamlocal} if streamlocal else {})
    found = explain(refused(JUMP, asides=asides), NEXT)
    assert (found.why, keywords(found)) == (Why.UNDECIDED, ranked)
