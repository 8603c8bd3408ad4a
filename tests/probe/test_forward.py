"""The forward asked for and reasons heard: on real sshd's, and without a trace on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamal_forward_check.model import Aside, Stage, Status
from kamal_forward_check.rules import Facts, judge
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED, PERMIT_REFUSED
from tests.probe.servers import Servers, codes, listening
from tests.probe.walked import at


@pytest.mark.parametrize(
    ("lines", "code", "change_to"),
    [
        (["AllowTcpForwarding no"], "KF510", "AllowTcpForwarding remote"),
        (["AllowTcpForwarding local"], "KF510", "AllowTcpForwarding yes"),
        (["DisableForwarding yes"], "KF511", "DisableForwarding no"),
        (["PermitListen localhost:5555"], "KF512", "PermitListen localhost:5555 127.0.0.1:{port}"),
        (["Match all", "\tallowtcpforwarding = NO  # why"], "KF510", "allowtcpforwarding = remote  # why"),
    ],
)
def test_a_refusal_names_its_line(servers: Servers, lines: list[str], code: str, change_to: str) -> None:
    target = servers.sshd(*lines)
    route = servers.route(target)
    [trace] = servers.walk(route)
    [finding] = [f for f in judge(Facts(traces=(trace,))) if f.severity == "error"]
    assert finding.code == code
    line = finding.server_line
    assert line
    assert (line.file, line.certainty) == (str(target.config), "exact")
    assert line.change_to.strip() == change_to.format(port=route.port)
    text = target.config.read_text(encoding="utf-8").splitlines()
    assert line.line
    assert text[line.line - 1] == line.current


@pytest.mark.parametrize(
    ("options", "code", "change_to"),
    [
        ("restrict", "KF501", "restrict,port-forwarding"),
        ("no-port-forwarding,no-pty", "KF501", "no-pty"),
        ('permitlisten="localhost:5555"', "KF513", 'permitlisten="localhost:5555",permitlisten="127.0.0.1:{port}"'),
    ],
)
def test_a_refusal_by_the_key_names_its_line(servers: Servers, options: str, code: str, change_to: str) -> None:
    target = servers.sshd(key_options=options)
    route = servers.route(target)
    [trace] = servers.walk(route)
    [finding] = [f for f in judge(Facts(traces=(trace,))) if f.severity == "error"]
    assert finding.code == code
    assert finding.server_line
    assert (finding.server_line.file, finding.server_line.line) == (str(target.authorized_keys), 1)
    assert finding.server_line.change_to == change_to.format(port=route.port)


def test_what_sshd_says_of_our_own_questions_is_no_reason_of_the_refusal(servers: Servers) -> None:
    """To the question about streamlocal forwards sshd says "port forwarding refused", as to a PermitListen."""
    target = servers.sshd("AllowTcpForwarding no", key_options='command="false"')
    [trace] = servers.walk(servers.route(target))
    seen = trace.hops[0]
    assert PERMIT_REFUSED in seen.asides[Aside.STREAMLOCAL].debug
    assert [text for text in seen.heard.debug if "key options" not in text] == [FORWARDING_DISABLED]
    assert codes(trace) == ["KF510"]


def test_where_the_key_names_a_command_none_is_run(servers: Servers, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    options = f'command="touch {marker}"'
    well, ill = servers.sshd(key_options=options), servers.sshd("AllowTcpForwarding no", key_options=options)
    passed, _ = servers.walk(servers.route(well), servers.route(ill))
    assert at(passed, Stage.DATA) == (Status.PASS, "a channel back")
    assert not marker.exists()
    assert "Starting session" not in well.log + ill.log


@pytest.mark.parametrize("lines", [(), ("AllowTcpForwarding no",), ("PermitListen 1",)], ids=["pass", "off", "list"])
def test_nothing_is_left_on_the_host(servers: Servers, lines: tuple[str, ...]) -> None:
    target = servers.sshd(*lines)
    route = servers.route(target)
    before = _files(target.folder)
    servers.walk(route)
    assert listening(route.port) == []
    assert _files(target.folder) == before


def _files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.name != "log"}
