"""Why a hop refused, where the key that logged in may not forward."""

from __future__ import annotations

import pytest

from kamal_forward_check.model import Aside, Certainty, Hop, Role, ServerLine
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.refusal import CERTIFICATE, OWN_KEYS, explain
from kamal_forward_check.sshd.why import Why
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED, PERMIT_REFUSED
from tests.sshd.refusals import (
    ALLOWED,
    CODE_1,
    KEY_LISTS,
    KEY_WITHHOLDS,
    KEYS,
    LISTEN,
    NEXT,
    REFUSED,
    keywords,
    of_target,
    only,
)
from tests.sshd.seen import JUMP, OFF, TARGET, config, hop, refused


@pytest.mark.parametrize(("of", "asked"), [(TARGET, LISTEN), (JUMP, NEXT)], ids=["target", "jump"])
@pytest.mark.parametrize(
    ("line", "keyword", "changed"),
    [
        ("restrict", "restrict", "restrict,port-forwarding"),
        ("no-port-forwarding,no-pty", "no-port-forwarding", "no-pty"),
        ("restrict,no-port-forwarding", "no-port-forwarding", "restrict,port-forwarding"),
    ],
)
def test_a_key_that_withholds(of: Hop, asked: list[Asked], line: str, keyword: str, changed: str) -> None:
    found = explain(refused(of, FORWARDING_DISABLED, key=KEY_WITHHOLDS, said=ALLOWED | {"key": line}), asked)
    assert found.why is Why.KEY
    assert only(found) == ServerLine(of.host.value, KEYS, 3, keyword, line, changed, Certainty.EXACT)


def test_a_key_that_withholds_is_known_by_the_wire_alone() -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED, key=KEY_WITHHOLDS))
    line = only(found)
    assert (found.why, line.file, line.line, line.certainty) == (Why.KEY, KEYS, 3, Certainty.KEYWORD)


def test_a_key_that_withholds_goes_before_what_the_files_say_and_both_must_change() -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED, key=KEY_WITHHOLDS, said=OFF | {"key": "restrict"}))
    assert (found.why, [line.keyword for line in found.lines]) == (Why.KEY, ["restrict", "AllowTcpForwarding"])


def test_a_certificate_that_withholds() -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED, key="cert: key options: pty", said=ALLOWED))
    assert (found.why, only(found).file, only(found).line) == (Why.KEY, CERTIFICATE, None)


def test_a_key_that_a_program_printed_is_no_line_of_that_program() -> None:
    holds = config(values={"authorizedkeyscommand": "/usr/bin/keys %u"})
    for named in ("/usr/bin/keys", "/usr/bin/keys %u"):
        key = f"{named}:2: key options: pty"
        found = of_target(refused(TARGET, FORWARDING_DISABLED, key=key, said=holds))
        assert (found.why, only(found).file) == (Why.KEY, f"the output of {named}")


def test_a_key_with_a_list_of_its_own() -> None:
    listed = ALLOWED | {"key": 'permitlisten="localhost:5555"'}
    found = of_target(refused(TARGET, PERMIT_REFUSED, key=KEY_LISTS, said=listed))
    assert (found.why, only(found).certainty) == (Why.KEY_LIST, Certainty.EXACT)
    assert only(found).change_to == 'permitlisten="localhost:5555",permitlisten="127.0.0.1:5555"'


def test_a_key_on_a_jump_with_a_list_of_its_own() -> None:
    listed = ALLOWED | {"key": 'permitopen="web-9:22",no-pty'}
    found = explain(refused(JUMP, key=KEY_LISTS, said=listed), NEXT)
    assert (found.why, only(found).keyword) == (Why.KEY_LIST, "permitopen")
    assert only(found).change_to == 'permitopen="web-9:22",permitopen="web-1:22",no-pty'


@pytest.mark.parametrize(("of", "asked"), [(TARGET, LISTEN), (JUMP, NEXT)], ids=["target", "jump"])
def test_a_keys_list_that_cannot_be_read_is_what_is_left_where_the_files_allow(of: Hop, asked: list[Asked]) -> None:
    found = explain(refused(of, PERMIT_REFUSED, key=KEY_LISTS, said=ALLOWED), asked)
    line = only(found)
    assert (found.why, line.file, line.line, line.certainty) == (Why.KEY_LIST, KEYS, 3, Certainty.KEYWORD)


def test_a_keys_list_and_the_files_list() -> None:
    holds = config("PermitListen 5556", values={"permitlisten": "*:5556"}) | {"key": 'permitlisten="5557"'}
    found = of_target(refused(TARGET, PERMIT_REFUSED, key=KEY_LISTS, said=holds))
    assert (found.why, [line.keyword for line in found.lines]) == (Why.KEY_LIST, ["permitlisten", "PermitListen"])


def test_root_whom_an_image_locks_out() -> None:
    locked = "/root/.ssh/authorized_keys:1: key options: command"
    for of, asked in ((hop(user="root"), LISTEN), (hop(Role.JUMP, "bastion", "root"), NEXT)):
        assert explain(refused(of, FORWARDING_DISABLED, key=locked), asked).why is Why.ROOT_LOCK
    assert of_target(refused(TARGET, FORWARDING_DISABLED, key=locked)).why is Why.KEY


def test_a_key_as_an_old_sshd_tells_it() -> None:
    found = of_target(refused(TARGET, FORWARDING_DISABLED, key="Key is restricted.", version="SSH-2.0-OpenSSH_7.4"))
    assert (found.why, only(found).file, only(found).certainty) == (Why.KEY, OWN_KEYS, Certainty.KEYWORD)


@pytest.mark.parametrize(("of", "asked"), [(TARGET, LISTEN), (JUMP, NEXT)], ids=["target", "jump"])
def test_an_old_sshd_that_said_nothing_of_the_key_leaves_it_open(of: Hop, asked: list[Asked]) -> None:
    asides = {Aside.OWN_SSHD: CODE_1, Aside.STREAMLOCAL: REFUSED}
    seen = refused(of, FORWARDING_DISABLED, key="", version="SSH-2.0-OpenSSH_7.4", asides=asides)
    found = explain(seen, asked)
    assert found.why is Why.UNDECIDED
    assert {"AllowTcpForwarding", "DisableForwarding", "authorized_keys"} <= set(keywords(found))
