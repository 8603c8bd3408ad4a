"""A narrower place for the change is offered where it is sure to win; who would undo a change, where it shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kamal_forward_check.model import Certainty, Heard, HopTrace, Role, ServerLine, Span
from kamal_forward_check.sshd import ways
from kamal_forward_check.sshd.candidates import Asked
from tests.sshd.said import said
from tests.sshd.seen import JUMP, OPENSSH, config, hop, refused

MAIN = "/etc/ssh/sshd_config"
LISTEN = [Asked("127.0.0.1", 5555)]
OFF = said("allow-tcp-forwarding-no-dropin")
OFF_IN_MAIN = config("AllowTcpForwarding no", values={"allowtcpforwarding": "no"})


def line(keyword: str = "AllowTcpForwarding", *, file: str = MAIN, current: str = "", near: str = "") -> ServerLine:
    return ServerLine("web-1", file, 3, keyword, current or f"{keyword} no", "", Certainty.EXACT, ((2, near),))


def narrow(seen: HopTrace, *keywords: str, roles: frozenset[Role] = frozenset({Role.TARGET})) -> tuple[str, ...]:
    """The place and the lines of the narrower way; nothing where there is none."""
    way = ways.scoped(seen, [line(keyword) for keyword in keywords or ("AllowTcpForwarding",)], roles, LISTEN)
    return (way.file, *way.lines) if way else ()


def test_a_drop_in_that_is_read_first_names_the_user_and_the_port() -> None:
    assert narrow(refused(said=OFF)) == (
        "/etc/ssh/sshd_config.d/00-kamal-forward.conf",
        "Match User deploy",
        "    AllowTcpForwarding remote",
        "    PermitListen 127.0.0.1:5555",
    )


def test_a_jump_connects_to_each_next_hop() -> None:
    asked = [Asked("web-1", 22), Asked("web-2", 2222)]
    way = ways.scoped(refused(JUMP, said=OFF), [line()], {Role.JUMP}, asked)
    assert way
    assert way.lines[1:] == ("    AllowTcpForwarding local", "    PermitOpen web-1:22 web-2:2222")


def test_both_keywords_that_forbid_are_in_the_block() -> None:
    both = said("disable-forwarding-and-allow-no")
    lines = narrow(refused(said=both), "DisableForwarding", "AllowTcpForwarding")
    assert lines[2:] == ("    DisableForwarding no", "    AllowTcpForwarding remote", "    PermitListen 127.0.0.1:5555")


def test_what_the_login_could_do_it_can_still_do() -> None:
    local = config("AllowTcpForwarding local", values={"allowtcpforwarding": "local"})
    assert "    AllowTcpForwarding yes" in narrow(refused(said=local))
    listed = config("x", values={"allowtcpforwarding": "no", "permitlisten": "localhost:80"})
    assert "    PermitListen localhost:80 127.0.0.1:5555" in narrow(refused(said=listed))


def test_for_two_roles_nothing_is_listed() -> None:
    assert narrow(refused(said=OFF), roles=frozenset(Role))[2:] == ("    AllowTcpForwarding yes",)


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        ("a block decides", refused(said=said("allow-tcp-forwarding-no-match-user"))),
        ("the host was not asked", refused()),
        ("the login can't read all", refused(said=OFF | {"unreadable": "/etc/ssh/sshd_config.d"})),
        ("a name with a pattern in it", refused(hop(user="de*"), said=OFF)),
    ],
)
def test_where_it_may_not_win_it_is_not_offered(what: str, seen: HopTrace) -> None:
    assert narrow(seen) == (), what


def test_what_the_keys_own_line_withholds_no_block_gives_back() -> None:
    of_key = replace(line("permitlisten"), file="/home/deploy/.ssh/authorized_keys")
    seen = refused(said=OFF)
    assert ways.scoped(seen, [line(), of_key], {Role.TARGET}, LISTEN) is None
    assert ways.scoped(seen, [line()], {Role.TARGET}, LISTEN)


def test_a_list_alone_is_narrow_as_it_stands() -> None:
    assert narrow(refused(said=OFF), "PermitListen") == ()
    assert narrow(refused(said=OFF), "AllowTcpForwarding", "restrict") == ()


@pytest.mark.parametrize("version", ["SSH-2.0-OpenSSH_8.2p1 Ubuntu-4", "SSH-2.0-OpenSSH_8.0"])
def test_where_included_blocks_are_passed_over_the_main_file_has_it(version: str) -> None:
    seen = replace(refused(said=OFF), heard=Heard(version=version))
    assert narrow(seen)[0] == MAIN


def test_without_an_include_at_the_top_the_main_file_has_it() -> None:
    assert narrow(refused(said=OFF_IN_MAIN))[0] == MAIN
    late = OFF_IN_MAIN | {
        "sshd": OFF_IN_MAIN["sshd"] + f"\ndebug2: {MAIN} line 9: new include /etc/ssh/sshd_config.d/*.conf"
    }
    assert narrow(refused(said=late))[0] == MAIN


def test_an_old_sshd_has_no_list_of_listens() -> None:
    assert narrow(replace(refused(said=OFF_IN_MAIN), heard=Heard("SSH-2.0-OpenSSH_7.4")))[2:] == (
        "    AllowTcpForwarding remote",
    )
    assert len(narrow(replace(refused(said=OFF_IN_MAIN), heard=Heard(OPENSSH)))) == 4


@pytest.mark.parametrize(
    ("shown", "said_of_it"),
    [
        (line(file="/etc/ssh/sshd_config.d/00-complianceascode-hardening.conf"), "takes AllowTcpForwarding out"),
        (line(near="# no real advantage without denied shell access"), "sshd_custom_options come first"),
        (line(near="# Ansible managed"), "Ansible writes sshd_config"),
        (line(near="# This file is managed by Puppet"), "Puppet writes"),
        (line(near="# Generated by Chef for web-1"), "Chef writes"),
        (line(file="/etc/ssh/sshd_config.d/50-cloud-init.conf"), "user data"),
        (line(current="AllowTcpForwarding no # DO NOT EDIT"), "says of itself"),
        (line(near="# CIS 5.2.20"), "CIS"),
        (line(near="# precise, elastic and anarchist"), ""),
        (line(), ""),
    ],
)
def test_who_would_undo_it(shown: ServerLine, said_of_it: str) -> None:
    sentence = ways.undone_by([shown])
    assert said_of_it in sentence if said_of_it else sentence == ""


def test_the_other_way_out_stands_at_deploy_ymls_line() -> None:
    way = ways.remote_registry(Span("config/deploy.yml", 12, 11))
    assert way.file == "config/deploy.yml:12"
    assert "KAMAL_REGISTRY_PASSWORD" in "".join(way.lines)
