"""What a failure can't prove: nothing false is said of what only the deploying machine sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kamal_forward_check.model import Cause, Hop, HostKeyRule, Keys, Role, Vantage, Verdict
from kamal_forward_check.probe.vantage import unseen
from tests.probe.servers import Servers, free_port
from tests.sshd.seen import hop

FIRST = hop(Role.JUMP, "bastion.example.com", "ops")
AGENT = replace(FIRST, keys=Keys(agent="/nowhere/agent.sock"))
PINNED = replace(
    FIRST, host_key_rule=HostKeyRule(("bastion",), (), accept_unknown=False, lines="bastion ssh-ed25519 AAAA")
)
MISSING = replace(FIRST, keys=Keys(missing="the secret KEY is behind $(op read …)"))


def at(address: str) -> Hop:
    return replace(FIRST, address=address)


@pytest.mark.parametrize(
    ("vantage", "of", "cause", "first", "words"),
    [
        (Vantage.LOCAL, FIRST, Cause.NO_KEY, True, "--identity"),
        (Vantage.RUNNER, FIRST, Cause.NO_KEY, True, "ssh-private-key"),
        (Vantage.LOCAL, MISSING, Cause.LOGIN_REFUSED, True, "behind $(op read"),
        (Vantage.LOCAL, MISSING, Cause.TOO_MANY_FAILURES, True, "behind $(op read"),
        (Vantage.LOCAL, MISSING, Cause.REFUSED, True, ""),
        (Vantage.LOCAL, FIRST, Cause.UNSIGNED, True, "another way"),
        (Vantage.LOCAL, hop(), Cause.UNSIGNED, True, ""),
        (Vantage.LOCAL, FIRST, Cause.NO_COMMON_ALGORITHM, True, "algorithm"),
        (Vantage.LOCAL, FIRST, Cause.NOT_SEEN_FROM_HERE, True, "certificate"),
        (Vantage.CONTAINER, FIRST, Cause.HOST_KEY_UNKNOWN, True, "ssh-known-hosts"),
        (Vantage.CONTAINER, PINNED, Cause.HOST_KEY_UNKNOWN, True, ""),
        (Vantage.CONTAINER, PINNED, Cause.HOST_KEY_CHANGED, True, ""),
        (Vantage.CONTAINER, FIRST, Cause.NAME_UNKNOWN, True, "resolve"),
        (Vantage.CONTAINER, FIRST, Cause.NAME_UNKNOWN, False, ""),
        (Vantage.CONTAINER, at("127.0.0.1"), Cause.REFUSED, True, "localhost"),
        (Vantage.CONTAINER, at("127.9.9.9"), Cause.REFUSED, True, "localhost"),
        (Vantage.CONTAINER, at("::1"), Cause.REFUSED, True, "localhost"),
        (Vantage.CONTAINER, at("LocalHost"), Cause.REFUSED, True, "localhost"),
        (Vantage.CONTAINER, at("127.0.0.1"), Cause.REFUSED, False, ""),
        (Vantage.CONTAINER, at("10.0.0.5"), Cause.REFUSED, True, ""),
        (Vantage.CONTAINER, FIRST, Cause.PROXY_COMMAND, True, "proxy command"),
        (Vantage.CONTAINER, AGENT, Cause.LOGIN_REFUSED, True, "ssh-private-key"),
        (Vantage.CONTAINER, FIRST, Cause.LOGIN_REFUSED, True, ""),
        (Vantage.CONTAINER, FIRST, Cause.TIMED_OUT, True, ""),
    ],
)
def test_why_a_failure_says_nothing_of_kamals_own_way(
    vantage: Vantage, of: Hop, cause: Cause, *, first: bool, words: str
) -> None:
    reason = unseen(vantage, of, cause, "there is no key to log in with", first=first)
    assert (words in reason) if words else reason == ""


@pytest.mark.parametrize("vantage", [Vantage.LOCAL, Vantage.RUNNER])
@pytest.mark.parametrize(
    "cause",
    [c for c in Cause if c not in (Cause.NO_KEY, Cause.UNSIGNED, Cause.NO_COMMON_ALGORITHM, Cause.NOT_SEEN_FROM_HERE)],
)
def test_outside_of_a_container_everything_counts(vantage: Vantage, cause: Cause) -> None:
    assert unseen(vantage, at("127.0.0.1"), cause, "x", first=True) == ""


def test_an_agent_that_is_there_counts(tmp_path: Path) -> None:
    (tmp_path / "agent").touch()
    of = replace(FIRST, keys=Keys(agent=str(tmp_path / "agent")))
    assert unseen(Vantage.CONTAINER, of, Cause.LOGIN_REFUSED, "x", first=True) == ""


def test_in_a_container_the_way_to_see_it_is_named() -> None:
    assert "`run:` step" in unseen(Vantage.CONTAINER, FIRST, Cause.PROXY_COMMAND, "x", first=True)


def test_in_a_container_what_lies_behind_a_jump_counts_and_what_is_dialled_from_here_does_not(servers: Servers) -> None:
    jump, port = servers.sshd(), free_port()
    behind = servers.route(jump, to=("127.0.0.1", port))
    direct = replace(behind, hops=behind.hops[1:])
    nowhere = replace(direct, hops=(replace(direct.target, address="no-such-name.invalid"),))
    traces = servers.walk(direct, nowhere, behind, vantage=Vantage.CONTAINER)
    assert [trace.verdict for trace in traces] == [Verdict.INCOMPLETE, Verdict.INCOMPLETE, Verdict.FAIL]
