"""Why a hop refused, from plain data: the wire's words, the key's options, the host's own answers."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamal_forward_check.model import Aside, AsideAnswer, Certainty, Hop, HopTrace, Role, ServerLine
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.refusal import CERTIFICATE, OWN_KEYS, explain
from kamal_forward_check.sshd.why import Refusal, Why
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED, PERMIT_REFUSED, STREAMLOCAL_DISABLED
from tests.sshd.said import said
from tests.sshd.seen import ALWAYS_THE_SAME, JUMP, OFF, TARGET, config, hop, refused

LISTEN = [Asked("127.0.0.1", 5555)]
NEXT = [Asked("web-1", 22)]
KEYS = "/home/deploy/.ssh/authorized_keys"
KEY_WITHHOLDS = f"{KEYS}:3: key options: pty user-rc"
KEY_LISTS = f"{KEYS}:3: key options: permitlisten permitopen port-forwarding pty"
ALLOWED = config()


def of_target(seen: HopTrace, asked: list[Asked] = LISTEN) -> Refusal:
    return explain(seen, asked)


def only(found: Refusal) -> ServerLine:
    [line] = found.lines
    return line


def keywords(found: Refusal) -> list[str]:
    return [candidate.keyword for candidate in found.candidates]


# What the host itself says


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


# What the key says


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


# What the wire alone says

CODE_1, CODE_2 = AsideAnswer(granted=False, code=1), AsideAnswer(granted=False, code=2)
OPENED = AsideAnswer(granted=True)
NO_STREAMLOCAL = AsideAnswer(granted=False, debug=(STREAMLOCAL_DISABLED,))
STREAMLOCAL = AsideAnswer(granted=False, debug=(PERMIT_REFUSED,))
REFUSED = AsideAnswer(granted=False)


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


# A port that could not be had


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


# Servers that are not OpenSSH


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


# Whatever is said

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
