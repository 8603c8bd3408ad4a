"""What Kamal accepts and breaks: each rule at its place, and silent where nothing breaks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kamal_forward_check.model import Cause, HopTrace, Purpose, Severity, Stage, Trace
from kamal_forward_check.rules import Facts, judge
from tests.rules.files import FAR, LOCAL, SERVERS, marked_place, of_file
from tests.sshd.seen import JUMP, TARGET, granted, refused, stopped, through, trace

BUILDER = LOCAL.replace("{arch: amd64}", "{arch: amd64, local: false, remote: %s}") + SERVERS
DB = "accessories: {db: {image: mysql, host: a, %s}}\n"


def registry(server: str) -> str:
    return LOCAL.replace("'localhost:5555'", server) + SERVERS


def codes(facts: Facts) -> list[str]:
    """The codes of what is said of the file, but for what Kamal itself says."""
    return [finding.code for finding in judge(facts) if "KF110" <= finding.code < "KF200"]


@pytest.mark.parametrize(
    ("code", "marked"),
    [
        ("KF110", registry("«127.0.0.1:5555»")),
        ("KF110", registry("«localhost»")),
        ("KF110", registry("«LOCALHOST:5555»")),
        ("KF110", registry("«'http://localhost:5555'»")),
        ("KF110", registry("«'[::1]:5555'»")),
        ("KF111", registry("«'localhost:'»")),
        ("KF111", registry("«localhost:0»")),
        ("KF111", registry("«localhost:70000»")),
        ("KF111", registry("«localhost:abc»")),
        ("KF111", FAR + SERVERS + "ssh: {port: «0»}\n"),
        ("KF111", FAR + SERVERS + "ssh: {port: «65536»}\n"),
        ("KF111", FAR + SERVERS + "ssh: {port: «ssh»}\n"),
        ("KF111", BUILDER % "«'ssh://u@h:99999'»"),
        ("KF112", registry("'localhost:5555', «username»: a, password: [B]")),
        ("KF112", registry("'localhost:5555', «password»: [B]")),
        ("KF113", LOCAL + DB % "port: «5555»"),
        ("KF113", LOCAL + DB % "port: «'127.0.0.1:5555:80'»"),
        ("KF113", LOCAL + DB % "port: «'0.0.0.0:5550-5560:80-90'»"),
        ("KF113", LOCAL + DB % "options: {publish: [«'5555:80'»]}"),
        ("KF113", LOCAL + SERVERS + "proxy: {run: {http_port: «5555»}}\n"),
        ("KF113", LOCAL + SERVERS + "proxy: {run: {https_port: «5555», bind_ips: [127.0.0.1]}}\n"),
        ("KF114", BUILDER % "«'ssh://u@h'»" + "ssh: {proxy: ops@b}\n"),
        ("KF114", BUILDER % "«'ssh://h'»" + "ssh: {user: deploy}\n"),
        ("KF115", FAR + "servers: [a, «10»]\n"),
        ("KF115", FAR + "servers: {web: {hosts: [a, «yes»]}}\n"),
        ("KF115", FAR + "servers:\n  - a\n  - «:b»\n"),
        ("KF115", FAR + SERVERS + "accessories: {db: {image: mysql, hosts: [a, «5»]}}\n"),
        ("KF116", LOCAL + "servers: [a, «'b:22'»]\n"),
        ("KF116", LOCAL + "servers: [a, «deploy@b»]\n"),
        ("KF116", LOCAL + SERVERS + "accessories: {db: {image: mysql, host: «'b:2222'»}}\n"),
        ("KF117", FAR + "servers: [«'2001:db8::1'»]\nssh: {proxy: ops@b}\n"),
        ("KF117", FAR + "servers: [«'::1'»]\nssh: {proxy_command: 'ssh -W %h:%p ops@b'}\n"),
        ("KF120", FAR + SERVERS + "ssh: {proxy: «bastion.example.com»}\n"),
        ("KF121", FAR + SERVERS + "ssh: {proxy: «'ops@a,ops@b'»}\n"),
        ("KF122", FAR + SERVERS + "ssh: {proxy: «'ops@2001:db8::1'»}\n"),
        ("KF122", FAR + SERVERS + "ssh: {proxy: «'ops@do main@b'»}\n"),
        ("KF122", FAR + SERVERS + "ssh: {proxy: «'ssh://ops@b:22'»}\n"),
        ("KF123", FAR + SERVERS + "ssh: {proxy: ops@b, «config»: [a, b]}\n"),
        ("KF124", FAR + SERVERS + "ssh: {proxy: ops@b, «keys»: [a]}\n"),
        ("KF125", FAR + SERVERS + "ssh: {proxy_command: «'ssh -W %h:%p %u@b'»}\n"),
        ("KF125", FAR + SERVERS + "ssh: {proxy_command: «'ssh -W %h:%p %r@b'»}\n"),
        ("KF126", FAR + SERVERS + "ssh: {key_data: [«NO_SUCH_SECRET»]}\n"),
    ],
)  # fmt: skip
def test_it_is_said_once_as_a_warning_at_its_place(code: str, marked: str) -> None:
    facts = of_file(marked)
    [finding] = [finding for finding in judge(facts) if "KF110" <= finding.code < "KF200"]
    assert (finding.code, finding.severity) == (code, Severity.WARNING)
    assert finding.location == marked_place(marked)
    assert finding.fix


@pytest.mark.parametrize(
    "text",
    [
        registry("localhost:5555"),
        registry("'localhost:5000/x'"),
        registry("127.example.com:5555"),
        registry("<%= Rails.x %>"),
        FAR + SERVERS + "ssh: {port: '0222'}\n",
        FAR + SERVERS,
        registry("'localhost:5555', username: '', password: ''"),
        LOCAL + DB % "port: '10.0.0.1:5555:80'",
        LOCAL + DB % "port: '[::1]:5555:80'",
        LOCAL + DB % "port: '3306:5555'",
        LOCAL + DB % "port: '5555:5555/udp'",
        FAR + DB.replace("accessories", "servers: [a]\naccessories") % "port: 5555",
        LOCAL + SERVERS + "proxy: {run: {http_port: 5555, bind_ips: [10.0.0.1, '2001:db8::1']}}\n",
        LOCAL + SERVERS + "proxy: {run: {metrics_port: 5555}}\n",
        BUILDER % "'ssh://u@h'" + "ssh: {user: deploy, port: 22}\n",
        FAR + "servers: ['10', a, {b: tag}]\n",
        FAR + "servers: ['b:22', deploy@b]\n",
        LOCAL + "servers: ['2001:db8::1', '[2001:db8::1]']\n",
        LOCAL + "servers: ['[2001:db8::1]']\nssh: {proxy: ops@b}\n",
        FAR + "servers: ['::1']\nssh: {proxy_command: 'ssh -W [%h]:%p ops@b'}\n",
        FAR + SERVERS + "ssh: {proxy: false}\n",
        FAR + SERVERS + "ssh: {proxy: 'ops@[2001:db8::1]:22'}\n",
        FAR + SERVERS + "ssh: {proxy: ops@b, config: [a]}\n".replace("[a]", "a"),
        FAR + SERVERS + "ssh: {config: [a, b], keys: [a]}\n",
        FAR + SERVERS + "ssh: {proxy: ops@b, proxy_command: 'x %u'}\n",
        FAR + SERVERS + "ssh: {proxy_command: 'x %h %p 100%%'}\n",
        FAR + SERVERS + "ssh: {key_data: [<%= Rails.x %>]}\n",
        "<%= Rails.x %>\n",
    ],
)
def test_nothing_is_said_where_nothing_breaks(text: str) -> None:
    assert codes(of_file(text)) == []


def test_a_kamal_without_local_registries_is_told_apart() -> None:
    [finding] = judge(of_file(registry("localhost:5555, username: a, password: [B]"), kamal="2.7.0"))
    assert finding.code == "KF110"
    assert finding.message == "Kamal 2.7.0 lends no local registry: 2.8 is the first"


JUMPS = LOCAL + SERVERS + "ssh: {proxy: '%s', keys: [a]}\n"


@pytest.mark.parametrize("proxy", ["a,b", "a"])
def test_jumps_that_let_us_in_are_as_they_should_be(proxy: str) -> None:
    assert codes(of_file(JUMPS % proxy, traces=(trace(through(), refused(TARGET)),))) == []
    assert codes(of_file(JUMPS % proxy, traces=(trace(refused(JUMP), HopTrace(TARGET)),))) == []
    down = stopped(JUMP, Stage.REACH, Cause.REFUSED, "refused")
    assert codes(of_file(JUMPS % proxy, traces=(trace(down, HopTrace(TARGET)),))) != []


def test_a_builder_that_granted_the_forward_is_reached() -> None:
    text = BUILDER % "'ssh://h'" + "ssh: {user: deploy}\n"
    walked = trace(granted())
    built = Trace(route=type(walked.route)(Purpose.BUILD, walked.route.hops, "127.0.0.1", 5555), hops=walked.hops)
    assert codes(of_file(text, traces=(built,))) == []


def test_what_else_is_wrong_at_that_place_is_said_alone() -> None:
    """The last of an accessory's ports is a list: no type that Kamal takes."""
    assert codes(of_file(LOCAL + SERVERS + "accessories: {db: {image: m, host: a, port: [5555]}}\n")) == []


def private_key(folder: Path, kind: str) -> str:
    made = folder / kind
    command = ["openssl", "genpkey", "-algorithm", kind, "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made.read_text(encoding="utf-8")


KEY_DATA = FAR + SERVERS + "ssh: {key_data: [KEY]}\n"


class TestKeyData:
    """As the net-ssh 7.3 of the real Kamal reads keys."""

    def said(self, key: str, kamal: str = "2.12.0") -> list[str]:
        return [finding.message for finding in judge(of_file(KEY_DATA, kamal=kamal, secrets={"KEY": key}))]

    def test_ed25519_in_pkcs_8(self, tmp_path: Path) -> None:
        [message] = self.said(private_key(tmp_path, "ED25519"))
        assert "is an Ed25519 key in PKCS#8" in message

    def test_others_in_pkcs_8_are_read(self, tmp_path: Path) -> None:
        assert self.said(private_key(tmp_path, "RSA")) == []

    def test_line_breaks_as_two_characters(self, tmp_path: Path) -> None:
        [message] = self.said(private_key(tmp_path, "RSA").replace("\n", "\\n"))
        assert r"has \n in place of line breaks" in message

    def test_a_value_that_only_a_command_tells_is_not_judged(self) -> None:
        assert self.said("") == []

    def test_before_2_10_a_name_is_the_key(self) -> None:
        [message] = self.said("", "2.9.0")
        assert (
            message == "Kamal takes KEY in `ssh/key_data` for the key itself: 2.9.0 looks for no secret, and 2.10 does"
        )

    @pytest.mark.parametrize(
        "piece", ["b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz", "two words", "a/b+c="]
    )
    def test_what_may_be_a_piece_of_a_key_is_not_shown(self, piece: str) -> None:
        [finding] = judge(of_file(KEY_DATA.replace("KEY", f"'{piece}'")))
        assert finding.fix
        assert piece not in finding.message + finding.fix.summary
        assert "a text that is no secret's name" in finding.message
