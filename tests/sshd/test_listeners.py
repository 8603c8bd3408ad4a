"""Who holds the port, by `ss` and /proc/net/tcp."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamal_forward_check.sshd.listeners import Holder, holder, is_own_forward
from tests.sshd.said import said
from tests.sshd.seen import ALWAYS_THE_SAME

LOOPBACK, ANY, OTHER = "0100007F:15B3", "00000000:15B3", "0A00000A:15B3"
ANY6, LOOPBACK6 = f"{'0' * 32}:15B3", f"{'0' * 24}01000000:15B3"
LISTEN, ESTABLISHED = "0A", "01"


def socket(address: str = LOOPBACK, uid: int = 1001, state: str = LISTEN) -> str:
    """A line of /proc/net/tcp."""
    peer = "0" * len(address.partition(":")[0])
    return f"   1: {address} {peer}:0000 {state} 00000000:00000000 00:00000000 00000000  {uid:4}        0 183065 1 0"


def by_ss(address: str = "127.0.0.1:5555", program: str = "") -> str:
    """What `ss -Hltnp` prints; of a program that the login may not look into it has no name."""
    return f"by ss\nLISTEN 0      128    {address} 0.0.0.0:*    " + (
        f'users:(("{program}",pid=812,fd=8))' if program else ""
    )


def answers(sockets: str = "", port: str = "by ss", uid: int = 1001) -> dict[str, str]:
    return {"who": f"{uid}\ndeploy\n192.0.2.2 1 192.0.2.3 22", "port": port, "sockets": sockets}


def test_nobody() -> None:
    assert holder(answers()) is None
    assert holder({}) is None


@pytest.mark.parametrize("address", [LOOPBACK, ANY, ANY6])
def test_loopback_and_any_address_are_in_the_way(address: str) -> None:
    assert holder(answers(socket(address, 0))) == Holder("", None, 0)


@pytest.mark.parametrize("address", [OTHER, LOOPBACK6])
def test_another_address_is_not(address: str) -> None:
    assert holder(answers(socket(address))) is None


def test_a_connection_is_no_listener() -> None:
    assert holder(answers(socket(state=ESTABLISHED))) is None


@pytest.mark.parametrize("address", ["127.0.0.1:5555", "0.0.0.0:5555", "*:5555"])
def test_a_program_is_named(address: str) -> None:
    found = holder(answers(socket(uid=0), by_ss(address, "docker-proxy")))
    assert str(found) == "a container (docker-proxy)"


@pytest.mark.parametrize("address", ["[::]:5555", "[::1]:5555", "10.0.0.10:5555"])
def test_a_program_on_another_address_is_not_accused(address: str) -> None:
    assert holder(answers(port=by_ss(address, "docker-proxy"))) is None


@pytest.mark.parametrize(("address", "in_the_way"), [("[::]:5555", False), ("*:5555", True)])
def test_any_ipv6_address_is_in_the_way_where_it_takes_ipv4(address: str, in_the_way: bool) -> None:  # noqa: FBT001
    assert bool(holder(answers(socket(ANY6, 0), by_ss(address)))) is in_the_way


@pytest.mark.parametrize(("uid", "words"), [(0, "a program of root"), (1002, "a program of uid 1002")])
def test_a_program_without_a_name(uid: int, words: str) -> None:
    assert str(holder(answers(socket(uid=uid)))) == words


def test_a_real_host_on_a_program_of_roots() -> None:
    assert str(holder(said("port-in-use"))) == "a program of root"
    assert not is_own_forward(said("port-in-use"))


def test_a_real_host_on_another_forward_of_the_login() -> None:
    assert is_own_forward(said("port-held-by-forward"))


@pytest.mark.parametrize(
    ("given_answers", "own"),
    [
        (answers(socket(uid=1001), by_ss()), True),
        (answers(socket(uid=1001), by_ss(program="python3")), False),
        (answers(socket(uid=1001), ""), False),
        (answers(socket(uid=1002), by_ss()), False),
        (answers(socket(uid=0), by_ss()), False),
        (answers(socket(uid=0), by_ss(program="sshd"), uid=0), True),
        (answers(socket(uid=1001), by_ss(program="sshd"), uid=0), False),
        (answers(socket(uid=0), by_ss(program="docker-proxy"), uid=0), False),
        (answers(socket(uid=0), by_ss(), uid=0), False),
        (answers(), False),
    ],
    ids=[
        "one's own, and ss can't name it: sshd",
        "a program of one's own, which ss names",
        "no ss",
        "another user's",
        "root's",
        "root sees sshd as root",
        "root sees another user's sshd",
        "root sees a program",
        "root, and ss names nothing",
        "nobody",
    ],
)
def test_an_own_forward(given_answers: dict[str, str], own: bool) -> None:  # noqa: FBT001
    assert is_own_forward(given_answers) is own


@ALWAYS_THE_SAME
@given(st.fixed_dictionaries({name: st.text() for name in ("who", "port", "sockets")}))
def test_whatever_a_host_answers(given_answers: dict[str, str]) -> None:
    is_own_forward(given_answers)


@ALWAYS_THE_SAME
@given(st.lists(st.from_regex(r"[0-9]+: [0-9A-F]{8}:15B3 0 0A 0 0 0 [0-9]* ")))
def test_numbers_of_any_size(lines: list[str]) -> None:
    holder(answers("\n".join(lines)))
