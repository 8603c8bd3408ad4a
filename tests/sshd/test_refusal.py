"""Why a hop refused, by what the host itself says."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamal_forward_check.model import Aside, AsideAnswer, Certainty, Hop, HopTrace
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.refusal import explain
from kamal_forward_check.sshd.why import Why
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED, PERMIT_REFUSED
from tests.sshd.refusals import (
    ALLOWED,
    CODE_1,
    KEY_LISTS,
    KEY_WITHHOLDS,
    LISTEN,
    NEXT,
    STREAMLOCAL,
    keywords,
    of_target,
    only,
)
from tests.sshd.said import said
from tests.sshd.seen import ALWAYS_THE_SAME, JUMP, OFF, TARGET, config, refused


@pytest.mark.parametrize(
    ("fault", "why", "lines"),
    [
        (
            "allow-tcp-forwarding-no-dropin",
            Why.OFF,
            [("/etc/ssh/sshd_config.d/50-hardening.conf", 3, "AllowTcpForwarding remote")],
        ),
        (
            "allow-tcp-forwarding-no-match-user",
            Why.OFF,
            [("/etc/ssh/sshd_config", 13, "    AllowTcpForwarding remote")],
        ),
        ("allow-tcp-forwarding-no-option", Why.OFF, [("sshd's command line", None, "-o AllowTcpForwarding=remote")]),
        (
            "disable-forwarding-and-allow-no",
            Why.DISABLED,
            [
                ("/etc/ssh/sshd_config", 11, "DisableForwarding no"),
                ("/etc/ssh/sshd_config", 10, "AllowTcpForwarding remote"),
            ],
        ),
    ],
)
def test_a_real_host_that_forbids(fault: str, why: Why, lines: list[tuple[str, int | None, str]]) -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED, said=said(fault)))
    assert found.why is why
    assert [(line.file, line.line, line.change_to) for line in found.lines] == lines
    assert {line.certainty for line in found.lines} == {Certainty.EXACT}


def test_a_real_host_that_lists_another_port() -> None:
    found = of_target(refused(TARGET, PERMIT_REFUSED, said=said("permit-listen-5556")))
    assert found.why is Why.LIST
    assert only(found).change_to == "PermitListen 5556 127.0.0.1:5555"


def test_a_real_host_whose_port_is_taken() -> None:
    found = of_target(refused(TARGET, said=said("port-in-use")))
    assert (found.why, found.holder) == (Why.PORT_TAKEN, "a program of root")


def test_a_real_host_with_another_forward_of_the_login() -> None:
    assert of_target(refused(TARGET, said=said("port-held-by-forward"), busy=True)).why is Why.OWN_FORWARD


@pytest.mark.parametrize(
    ("of", "value", "wanted"),
    [(TARGET, "no", "remote"), (TARGET, "local", "yes"), (JUMP, "no", "local"), (JUMP, "remote", "yes")],
    ids=["target no", "target local", "jump no", "jump remote"],
)
def test_allow_tcp_forwarding(of: Hop, value: str, wanted: str) -> None:
    holds = config(f"AllowTcpForwarding {value}", values={"allowtcpforwarding": value})
    found = explain(refused(of, FORWARDING_DISABLED, said=holds), LISTEN if of is TARGET else NEXT)
    assert found.why is Why.OFF
    assert (only(found).line, only(found).change_to) == (1, f"AllowTcpForwarding {wanted}")


@pytest.mark.parametrize(("of", "asked"), [(TARGET, LISTEN), (JUMP, NEXT)], ids=["target", "jump"])
def test_disable_forwarding_beats_allow_tcp_forwarding(of: Hop, asked: list[Asked]) -> None:
    holds = config("AllowTcpForwarding yes", "DisableForwarding yes", values={"disableforwarding": "yes"})
    found = explain(refused(of, FORWARDING_DISABLED, said=holds), asked)
    assert (found.why, only(found).change_to) == (Why.DISABLED, "DisableForwarding no")


def test_all_obstacles_must_go_and_the_one_that_speaks_comes_first() -> None:
    lists = {"permitlisten": "localhost:5555", "allowtcpforwarding": "no"}
    holds = config("PermitListen localhost:5555", "AllowTcpForwarding no", values=lists)
    found = of_target(refused(TARGET, FORWARDING_DISABLED, said=holds))
    assert found.why is Why.OFF
    assert [line.change_to for line in found.lines] == [
        "AllowTcpForwarding remote",
        "PermitListen localhost:5555 127.0.0.1:5555",
    ]


def test_a_jumps_list_gets_every_next_hop_that_it_leaves_out() -> None:
    holds = config("PermitOpen web-2:22", values={"permitopen": "web-2:22"})
    found = explain(refused(JUMP, said=holds), [Asked("web-1", 22), Asked("web-2", 22), Asked("2001:db8::3", 22)])
    assert found.why is Why.LIST
    assert only(found).change_to == "PermitOpen web-2:22 web-1:22 [2001:db8::3]:22"


@pytest.mark.parametrize(("of", "asked"), [(TARGET, LISTEN), (JUMP, NEXT)], ids=["target", "jump"])
def test_files_that_allow_what_sshd_forbids(of: Hop, asked: list[Asked]) -> None:
    found = explain(refused(of, FORWARDING_DISABLED, said=ALLOWED), asked)
    assert (found.why, keywords(found)) == (Why.NOT_ON_DISK, ["not reloaded", "another daemon"])


READ = "loaded /run/sshd.pid"


def test_a_file_that_is_newer_than_the_daemons_last_look_proves_that_it_was_not_reloaded() -> None:
    service = f"unit ssh.service\n{READ}\nedited /etc/ssh/sshd_config\nedited /etc/ssh/sshd_config"
    found = of_target(refused(TARGET, FORWARDING_DISABLED, said=ALLOWED | {"service": service}))
    assert (found.why, found.candidates) == (Why.NOT_ON_DISK, ())
    assert [remark.split(",")[0] for remark in found.remarks] == ["/etc/ssh/sshd_config is newer than /run/sshd.pid"]


def test_files_as_old_as_the_daemons_last_look_prove_nothing() -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED, said=ALLOWED | {"service": READ}))
    assert (found.why, keywords(found), found.remarks) == (Why.NOT_ON_DISK, ["not reloaded", "another daemon"], ())


@pytest.mark.parametrize(("on_disk", "told"), [("9.2", 0), ("9.6", 1)])
def test_a_program_that_was_upgraded_and_not_restarted(on_disk: str, told: int) -> None:
    said = ALLOWED | {"sshd": f"debug1: sshd version OpenSSH_{on_disk}, OpenSSL 3.0.2\n{ALLOWED['sshd']}"}
    found = of_target(refused(TARGET, FORWARDING_DISABLED, said=said))
    assert [remark.split(",")[0] for remark in found.remarks] == ["The host's sshd program is OpenSSH 9.6"][:told]


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        ({"daemon": ""}, "-f or -o"),
        ({"sshd": f"debug3: checking match for 'Host *.lan' user deploy host 1\nusedns yes\n{OFF['sshd']}"}, "UseDNS"),
    ],
    ids=["no daemon is seen", "a name is looked up"],
)
def test_what_makes_a_line_unsure(said: dict[str, str], doubt: str) -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED, said=OFF | said))
    assert (found.why, only(found).certainty) == (Why.OFF, Certainty.CANDIDATES)
    assert doubt in found.candidates[0].why


def test_a_line_that_does_not_count_is_said_to_be_in_vain() -> None:
    holds = config("AllowTcpForwarding no", "AllowTcpForwarding yes", values={"allowtcpforwarding": "no"})
    [remark] = of_target(refused(TARGET, FORWARDING_DISABLED, said=holds)).remarks
    assert remark == "/etc/ssh/sshd_config:2 says 'AllowTcpForwarding yes' in vain: only the first counts."


def test_a_match_block_goes_before_what_stands_above_it() -> None:
    [remark] = of_target(refused(TARGET, FORWARDING_DISABLED, said=said("allow-tcp-forwarding-no-match-user"))).remarks
    assert remark.endswith("in vain: a Match block that applies goes first.")


UNREADABLE = {"unreadable": "/etc/ssh/sshd_config.d"}


def test_a_folder_that_the_login_cannot_read_proves_nothing_about_the_files() -> None:
    seen = refused(TARGET, FORWARDING_DISABLED, said=ALLOWED | UNREADABLE, asides={
        Aside.OWN_SSHD: CODE_1, Aside.STREAMLOCAL: STREAMLOCAL})  # fmt: skip
    found = of_target(seen)
    assert (found.why, only(found).certainty) == (Why.OFF, Certainty.KEYWORD)


def test_a_folder_that_the_login_cannot_read_makes_a_line_unsure() -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED, said=OFF | UNREADABLE))
    assert (found.why, only(found).certainty) == (Why.OFF, Certainty.CANDIDATES)
    assert "/etc/ssh/sshd_config.d" in found.candidates[0].why


def test_an_expired_password() -> None:
    seen = refused(TARGET, FORWARDING_DISABLED)
    not_asked = "the login runs no command of ours: WARNING: Your password has expired."
    expired = HopTrace(seen.hop, seen.stages, seen.heard, not_asked=not_asked)
    assert of_target(expired).why is Why.EXPIRED


SECTIONS = st.fixed_dictionaries(
    {name: st.one_of(st.text(), st.sampled_from(["restrict", OFF["sshd"], OFF["lines"], "by ss\n", "1001"]))
     for name in ("who", "daemon", "sshd", "unreadable", "lines", "key", "port", "sockets", "os")}
)  # fmt: skip
DEBUG = st.lists(st.one_of(st.text(), st.sampled_from([FORWARDING_DISABLED, PERMIT_REFUSED, KEY_WITHHOLDS, KEY_LISTS])))


@ALWAYS_THE_SAME
@given(st.sampled_from([TARGET, JUMP]), SECTIONS, DEBUG, st.text())
def test_whatever_a_host_says_there_is_a_reason_and_a_way_on(
    of: Hop, sections: dict[str, str], debug: list[str], key: str
) -> None:
    found = explain(refused(of, *debug, key=key, said=sections), LISTEN if of is TARGET else NEXT)
    assert found.lines or found.candidates or found.why in (Why.PORT_TAKEN, Why.OWN_FORWARD)


def test_where_a_command_ran_the_password_has_not_expired() -> None:
    unseen = {"who": "1001\ndeploy\n192.0.2.2 4000 198.51.100.12 22"}
    asides = {Aside.OWN_SSHD: AsideAnswer(granted=False, code=1)}
    assert "password expired" in keywords(of_target(refused(TARGET, FORWARDING_DISABLED, asides=asides)))
    assert keywords(of_target(refused(TARGET, FORWARDING_DISABLED, asides=asides, said=unseen))) == [
        "AllowTcpForwarding",
        "DisableForwarding",
    ]


def test_what_settles_it_is_asked_with_the_daemons_own_options() -> None:
    said_of_daemon = {"who": "1001", "daemon": "/opt/sshd -D -f /etc/ssh/a b -o PermitListen=1 2 -p 22"}
    asides = {Aside.OWN_SSHD: AsideAnswer(granted=False, code=1)}
    settle = of_target(refused(TARGET, FORWARDING_DISABLED, asides=asides, said=said_of_daemon)).candidates[0].settle
    [_, _, script, *_] = shlex.split(settle)
    assert "sudo /opt/sshd -f '/etc/ssh/a b' -o 'PermitListen=1 2' -T -C" in script
