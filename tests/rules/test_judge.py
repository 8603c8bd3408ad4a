"""All findings together: never silence, one fault one finding, and no word that is not so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kamal_forward_check.model import (
    Cause,
    Heard,
    HopTrace,
    Problem,
    ProblemKind,
    Role,
    Severity,
    Span,
    Stage,
)
from kamal_forward_check.rules import Facts, judge
from kamal_forward_check.rules.unexplained import CODE as UNEXPLAINED
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED
from tests.rules.rows import DISABLED, KEYS, ROWS, SHOWN, WITHHELD, of_target, stops
from tests.sshd.seen import JUMP, KEY_FINE, OFF, TARGET, config, hop, refused, stopped, through, trace

# Never silence


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("stage", Stage)
def test_whatever_stops_a_route_is_told_once_and_names_its_target(stage: Stage, cause: Cause, role: Role) -> None:
    facts = stops(stage, cause, at=role)
    errors = [finding for finding in judge(facts) if finding.severity is Severity.ERROR]
    assert len(errors) == 1
    assert errors[0].affects == ("web-1",)
    assert errors[0].hop == (TARGET if role is Role.TARGET else JUMP)


def test_what_is_explained_for_one_way_to_a_host_is_not_for_another() -> None:
    """A host that is a server and a remote builder: two routes, two hops, two reasons."""
    pulled, built = hop(user="deploy"), hop(user="builder")
    facts = Facts(traces=(
        trace(stopped(pulled, Stage.REACH, Cause.REFUSED)), trace(stopped(built, Stage.LOGIN, Cause.UNEXPECTED)),
    ))  # fmt: skip
    assert [finding.code for finding in judge(facts)] == ["KF202", UNEXPLAINED]


def test_a_notice_about_a_hop_does_not_explain_its_stop() -> None:
    seen = replace(stopped(TARGET, Stage.LOGIN, Cause.UNEXPECTED), host_key=SHOWN)
    assert [finding.code for finding in judge(of_target(seen))] == [UNEXPLAINED, "KF220"]


# One fault, one finding


def hosts(number: int) -> list[str]:
    return [f"web-{n}" for n in range(1, number + 1)]


def behind(jump: HopTrace, number: int) -> Facts:
    return Facts(traces=tuple(trace(jump, HopTrace(hop(host=name))) for name in hosts(number)))


def test_fifty_hosts_behind_one_closed_jump_are_one_finding() -> None:
    for jump in (
        stopped(JUMP, Stage.LOGIN, Cause.LOGIN_REFUSED),
        refused(JUMP, said=OFF),
        stopped(JUMP, Stage.FORWARD, Cause.LOST),
    ):
        [finding] = judge(behind(jump, 50))
        assert finding.affects == tuple(hosts(50))


def test_a_jump_that_stops_two_routes_in_two_ways_is_two_findings() -> None:
    closed, lost = refused(JUMP, said=OFF), stopped(JUMP, Stage.FORWARD, Cause.LOST, "open failed")
    found = judge(Facts(traces=(trace(closed, HopTrace(TARGET)), trace(lost, HopTrace(hop(host="web-2"))))))
    assert {(finding.code, finding.affects) for finding in found} == {("KF410", ("web-1",)), ("KF602", ("web-2",))}


def targets(*answers: dict[str, str]) -> Facts:
    """Targets that refuse, each with answers of its own."""
    names = hosts(len(answers))
    refusals = (
        refused(hop(host=name), FORWARDING_DISABLED, said=each) for name, each in zip(names, answers, strict=True)
    )
    return Facts(traces=tuple(trace(each) for each in refusals))


def test_targets_share_a_finding_where_cause_file_line_and_text_are_equal() -> None:
    [finding] = judge(targets(OFF, OFF, OFF))
    assert finding.affects == ("web-1", "web-2", "web-3")
    assert finding.fix
    assert [change.host for change in finding.fix.changes] == ["web-1", "web-2", "web-3"]
    assert len(finding.fix.commands) == len(set(finding.fix.commands))


@pytest.mark.parametrize(
    "other",
    [
        config("#", "AllowTcpForwarding no", values={"allowtcpforwarding": "no"}),
        config("AllowTcpForwarding no", values={"allowtcpforwarding": "no"}, file="/etc/ssh/other.conf"),
        config("AllowTcpForwarding  no", values={"allowtcpforwarding": "no"}),
        config("AllowTcpForwarding local", values={"allowtcpforwarding": "local"}),
        DISABLED,
        config(),
    ],
    ids=["another line", "another file", "another text", "another value", "another cause", "no line"],
)
def test_targets_are_kept_apart_where_anything_differs(other: dict[str, str]) -> None:
    found = judge(targets(OFF, other))
    assert sorted(finding.affects for finding in found) == [("web-1",), ("web-2",)]


def test_targets_that_cannot_be_reached_alike_are_one_finding_and_a_changed_key_is_its_own() -> None:
    def facts(cause: Cause, stage: Stage) -> Facts:
        return Facts(traces=tuple(trace(through(), stopped(hop(host=name), stage, cause, "x")) for name in hosts(3)))

    assert len(judge(facts(Cause.REFUSED, Stage.REACH))) == 1
    assert len(judge(facts(Cause.HOST_KEY_CHANGED, Stage.HOST_KEY))) == 3


def test_a_jump_is_told_every_next_hop_that_its_list_leaves_out() -> None:
    lists = config("PermitOpen web-9:22", values={"permitopen": "web-9:22"})
    [finding] = judge(behind(refused(JUMP, said=lists), 3))
    assert finding.server_line
    assert finding.server_line.change_to == "PermitOpen web-9:22 web-1:22 web-2:22 web-3:22"
    assert finding.message == "the jump bastion refuses to forward to web-1:22 and 2 more"


def test_errors_come_first_and_then_codes_count() -> None:
    facts = Facts(
        problems=(Problem(ProblemKind.OPAQUE, Severity.NOTICE, "x", Span("f", 1)),),
        traces=(
            trace(stopped(hop(host="web-2"), Stage.REACH, Cause.REFUSED)),
            trace(refused(TARGET, FORWARDING_DISABLED, said=OFF)),
        ),
    )
    assert [finding.code for finding in judge(facts)] == ["KF202", "KF510", "KF109"]


# What is said


def finding_of(facts: Facts) -> str:
    [finding] = [each for each in judge(facts) if each.severity is Severity.ERROR]
    assert finding.fix
    return " ".join((finding.message, finding.fix.summary, finding.why, *finding.fix.commands))


def test_login_and_key_are_called_fine_only_where_they_are() -> None:
    assert "authorized_keys allows forwarding" in finding_of(ROWS["KF510"])
    for code in ("KF501", "KF513", "KF401", "KF413"):
        assert "authorized_keys allows" not in finding_of(ROWS[code]), code


def test_a_key_line_is_never_edited_by_a_command() -> None:
    both = refused(TARGET, FORWARDING_DISABLED, key=WITHHELD, said=OFF | {"key": "restrict"})
    [finding] = judge(of_target(both))
    assert finding.fix
    assert [change.file for change in finding.fix.changes] == [KEYS, "/etc/ssh/sshd_config"]
    assert not any(KEYS in command for command in finding.fix.commands)


def test_a_certificate_is_to_be_signed_anew() -> None:
    words = finding_of(of_target(refused(TARGET, FORWARDING_DISABLED, key="cert: key options: pty", said=config())))
    assert "sign it anew" in words
    assert "sshd" not in words


def test_a_cloud_images_lock_is_left_alone() -> None:
    root = hop(user="root")
    lock = refused(root, FORWARDING_DISABLED, key="/root/.ssh/authorized_keys:1: key options: command")
    [finding] = judge(of_target(lock))
    assert finding.fix
    assert (finding.code, finding.server_line, finding.fix.changes) == ("KF502", None, ())
    assert "ssh.user" in finding.fix.summary


def test_an_unsure_line_is_not_told_as_sure() -> None:
    [finding] = judge(
        of_target(refused(TARGET, FORWARDING_DISABLED, said=OFF | {"unreadable": "/etc/ssh/sshd_config.d"}))
    )
    assert finding.fix
    assert (finding.fix.changes, finding.fix.commands) == ((), ())
    assert "if no other line does" in finding.fix.summary
    assert "/etc/ssh/sshd_config.d" in finding.candidates[0].why


def test_a_host_that_hangs_at_the_login_is_not_called_unreachable() -> None:
    assert "does not answer on port" not in finding_of(stops(Stage.LOGIN, Cause.TIMED_OUT))


def test_the_place_from_where_a_hop_was_tried_is_named() -> None:
    assert "bastion tried web-1:22" in finding_of(stops(Stage.REACH, Cause.REFUSED))
    assert "this machine tried bastion:22" in finding_of(stops(Stage.REACH, Cause.REFUSED, at=Role.JUMP))


def test_a_users_source_is_named_where_a_login_is_refused() -> None:
    assert "comes from ssh.user" in finding_of(ROWS["KF302"])


def test_what_is_ignored_elsewhere_is_still_found_here() -> None:
    warned = Problem(ProblemKind.UNKNOWN_KEY, Severity.WARNING, "x", Span("f", 1))
    [finding] = judge(Facts(problems=(warned,)))
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("cause", Cause)
def test_a_server_that_is_no_sshd_is_told_once_as_well(cause: Cause, role: Role) -> None:
    for stage in (Stage.LOGIN, Stage.FORWARD, Stage.LISTEN):
        found = judge(stops(stage, cause, at=role, heard=Heard("SSH-2.0-Tailscale")))
        assert len([finding for finding in found if finding.severity is Severity.ERROR]) == 1


def test_a_held_port_is_told_beside_what_forbids_the_listen() -> None:
    held = OFF | {"port": 'by ss\nLISTEN 0 9 127.0.0.1:5555 0.0.0.0:* users:(("app",pid=7,fd=3))', "sockets": ""}
    [finding] = judge(Facts(traces=(trace(through(), refused(TARGET, KEY_FINE, FORWARDING_DISABLED, said=held)),)))
    assert finding.fix
    assert finding.fix.besides == ("Free port 5555 on web-1 as well: app (pid 7) holds it.",)
    assert finding.fix.summary.endswith(finding.fix.besides[0])


def test_a_key_that_lists_other_ports_is_not_said_to_allow_it() -> None:
    """sshd tells nothing of permitlisten where AllowTcpForwarding forbids."""
    lists = OFF | {"key": 'permitlisten="127.0.0.1:1"'}
    facts = Facts(traces=(trace(through(), refused(TARGET, KEY_FINE, FORWARDING_DISABLED, said=lists)),))
    [finding] = judge(facts)
    assert finding.fix
    assert len(finding.fix.changes) == 2
    assert "authorized_keys allows" not in finding.why


@pytest.mark.parametrize("edited", [True, False])
def test_files_that_forbid_it_in_another_way_are_not_said_to_allow_it(edited: bool) -> None:  # noqa: FBT001
    said = config("PermitListen 5556", values={"permitlisten": "*:5556"})
    if edited:
        said["service"] = "loaded /run/sshd.pid\nedited /etc/ssh/sshd_config"
    [finding] = judge(Facts(traces=(trace(through(), refused(TARGET, KEY_FINE, FORWARDING_DISABLED, said=said)),)))
    assert finding.code == "KF518"
    assert "Its files allow" not in finding.why
    assert finding.fix
    assert [change.change_to for change in finding.fix.changes] == ["PermitListen 5556 127.0.0.1:5555"] * edited
    assert finding.fix.daemons


def test_a_line_that_the_running_sshd_may_not_have_read_is_told_so() -> None:
    said = OFF | {"service": "loaded /run/sshd.pid\nedited /etc/ssh/sshd_config"}
    [finding] = judge(Facts(traces=(trace(through(), refused(TARGET, KEY_FINE, FORWARDING_DISABLED, said=said)),)))
    assert "/etc/ssh/sshd_config is newer than /run/sshd.pid" in finding.why
