"""A host that is a jump here and a target there is told one thing."""

from __future__ import annotations

import pytest

from kamal_forward_check.model import Forwarding, Hop, HopTrace, Role, Span, Trace
from kamal_forward_check.rules import Facts, judge
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED
from tests.sshd.said import said
from tests.sshd.seen import OFF, TARGET, config, hop, refused, trace

AS_JUMP = hop(Role.JUMP, "box", "deploy")
AS_TARGET = hop(Role.TARGET, "box", "deploy")
BY_OTHERS = hop(Role.TARGET, "box", "ops")


def behind(jump: HopTrace, target: Hop) -> Trace:
    """A route that stopped at its jump: the target was not come to."""
    return trace(jump, HopTrace(target))


def changes(*traces: Trace) -> list[tuple[str, list[str]]]:
    """Each finding's code, and what it changes lines to."""
    found = judge(Facts(traces=traces))
    return [(each.code, [change.change_to for change in each.fix.changes]) for each in found if each.fix]


def test_one_line_that_decides_both_is_one_finding_and_serves_both() -> None:
    jump, target = refused(AS_JUMP, said=OFF), refused(AS_TARGET, FORWARDING_DISABLED, said=OFF)
    found = judge(Facts(traces=(behind(jump, TARGET), trace(target))))
    [finding] = found
    assert finding.code == "KF410"
    assert finding.server_line
    assert finding.server_line.change_to == "AllowTcpForwarding yes"
    assert finding.affects == ("web-1", "box")
    assert finding.message == "the jump box refuses to forward to web-1:22 and the listen on 127.0.0.1:5555"


def test_a_jump_that_hides_the_target_behind_itself_is_told_for_both() -> None:
    jump = refused(AS_JUMP, said=OFF)
    assert changes(behind(jump, TARGET), behind(jump, AS_TARGET)) == [("KF410", ["AllowTcpForwarding yes"])]


def test_a_line_for_everybody_serves_the_other_login_as_well() -> None:
    jump = refused(AS_JUMP, said=OFF)
    assert changes(behind(jump, TARGET), behind(jump, BY_OTHERS)) == [("KF410", ["AllowTcpForwarding yes"])]


def test_a_block_for_one_login_does_not_serve_the_other() -> None:
    jump = refused(AS_JUMP, said=said("allow-tcp-forwarding-no-match-user"))
    [(_, [change])] = changes(behind(jump, TARGET), behind(jump, BY_OTHERS))
    assert change.strip() == "AllowTcpForwarding local"


def test_a_host_with_one_role_gets_the_least() -> None:
    assert changes(behind(refused(AS_JUMP, said=OFF), TARGET)) == [("KF410", ["AllowTcpForwarding local"])]


def test_a_keys_line_gets_the_options_of_both() -> None:
    key = "/home/deploy/.ssh/authorized_keys:3: key options: permitlisten permitopen port-forwarding"
    answers = config() | {"key": 'permitopen="a:1",permitlisten="b:2"'}
    jump = refused(AS_JUMP, key=key, said=answers)
    target = refused(AS_TARGET, "port forwarding refused", key=key, said=answers)
    [(_, [change])] = changes(behind(jump, TARGET), trace(target))
    assert change == 'permitopen="a:1",permitopen="web-1:22",permitlisten="b:2",permitlisten="127.0.0.1:5555"'


@pytest.mark.parametrize("role", Role)
def test_only_a_target_is_helped_by_a_remote_registry(role: Role) -> None:
    forwarding = Forwarding(needed=True, port=5555, reason="", at=Span("config/deploy.yml", 12))
    seen = refused(AS_JUMP, said=OFF) if role is Role.JUMP else refused(AS_TARGET, FORWARDING_DISABLED, said=OFF)
    walked = behind(seen, TARGET) if role is Role.JUMP else trace(seen)
    [finding] = judge(Facts(traces=(walked,), forwarding=forwarding))
    assert finding.fix
    assert ("config/deploy.yml:12" in [way.file for way in finding.fix.ways]) is (role is Role.TARGET)
