"""The table of symptoms: each message has a line that was really seen; and no text breaks the reader."""

from __future__ import annotations

import io
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamal_forward_check.log import lines, read, weigh
from kamal_forward_check.log.explain import Explained
from kamal_forward_check.log.lines import LONGEST, Line
from kamal_forward_check.log.symptom import Symptom
from kamal_forward_check.log.symptoms import SYMPTOMS, docker, kamal, net_ssh, ssh, sshd
from kamal_forward_check.report.clean import one_line
from kamal_forward_check.rules import RULES

EXAMPLES = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "examples.tsv").read_text(encoding="utf-8").splitlines()[1:]
]
NUMBERED = [f"line-{number}-{name}" for number, (name, _) in enumerate(EXAMPLES, 2)]


def explained(text: str | bytes) -> Explained:
    data = text.encode() if isinstance(text, str) else text
    reading = read.read(lines.blocks(io.BytesIO(data)))
    return Explained("a.log", reading, weigh.weigh(reading))


@pytest.mark.parametrize(("symptom", "line"), EXAMPLES, ids=NUMBERED)
def test_an_example_is_this_symptom_and_no_other(symptom: str, line: str) -> None:
    assert [fault.symptom.name for fault in explained(line).found] == [symptom]


@pytest.mark.parametrize(
    "line",
    [
        "Redis::CannotConnectError: Connection refused - connect(2) for 127.0.0.1:6379",
        'Failed to open TCP connection to localhost:3000 (Connection refused - connect(2) for "localhost" port 3000)',
        "SocketError: Failed to open TCP connection to rubygems.org:443 (getaddrinfo: Name or service not known)",
        "NoMethodError: undefined method 'chomp' for nil",
        "Errno::EPIPE: Broken pipe",
        "stty: 'standard input': Inappropriate ioctl for device",
        "Bind for 0.0.0.0:3000 failed: port is already allocated.",
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
        "I, [2025-12-02T09:14:07.1 #25]  INFO -- net.ssh.connection.session[848]: global request failure",
        "  INFO [2454d9d7] Finished in 0.066 seconds with exit status 0 (successful).",
        "Setting up local registry port forwarding to web-1...",
    ],
)
def test_what_only_looks_like_it_is_left_alone(line: str) -> None:
    assert explained(line).found == ()


def test_every_message_has_an_example() -> None:
    seen = {message.text for name, line in EXAMPLES for message in SYMPTOMS[name].messages if message.find(line)}
    assert seen == {message.text for symptom in SYMPTOMS.values() for message in symptom.messages}


def test_no_name_is_used_twice() -> None:
    families = (kamal, net_ssh, ssh, sshd, docker)
    assert len(SYMPTOMS) == sum(len(family.SYMPTOMS) for family in families)


@pytest.mark.parametrize("symptom", SYMPTOMS.values(), ids=lambda symptom: symptom.name)
def test_a_symptom_names_rules_and_symptoms_that_exist(symptom: Symptom) -> None:
    assert symptom.causes
    assert {cause.code for cause in symptom.causes} <= {"", *RULES}
    assert set(symptom.follows) <= set(SYMPTOMS)
    assert symptom.settle


ODD = ["\x1b[31m", "\r", "\n", "\r\n", "\x00", "\x1b", "\u202e", "##[group]", "::error::", "D, [2025 #1] DEBUG -- ",
       "net.ssh.transport.session[1]: ", "net.ssh.connection.session[2]: ", "io[3]: received packet nr 7 type 4 len 1",
       "sending global request tcpip-forward", "global request failure", "debug1: Remote: ", "key options: pty",
       "/a:1: key options: port-forwarding permitlisten", "Server has disabled port forwarding.",
       "port forwarding refused",
       "remote is `SSH-2.0-OpenSSH_9.2'", "establishing connection to web-1:22 through proxy",
       "Authenticated to web-1 (via proxy) using", "password=hunter2 ", "kamal deploy -d staging"]  # fmt: skip
PIECES = st.one_of(st.sampled_from([line for _, line in EXAMPLES]), st.sampled_from(ODD), st.text(max_size=30))


@given(st.lists(PIECES, max_size=40), st.binary(max_size=50))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_it(pieces: list[str], junk: bytes) -> None:
    found = explained("".join(pieces).encode("utf-8", "surrogatepass") + junk)
    text = found.text()
    assert all(one_line(line, longest=10_000) == line for line in text.split("\n"))
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))
    assert "hunter2" not in text
    assert bool(found.data()["faults"]) == bool(found.found)


class Endless(io.RawIOBase):
    """As many bytes as are asked for, without ever holding them."""

    def __init__(self, unit: bytes, size: int) -> None:
        self._unit, self._left = unit * (1 + (1 << 16) // len(unit)), size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = min(size, self._left, len(self._unit))
        self._left -= size
        return self._unit[:size]


@pytest.mark.parametrize(
    "unit",
    [b"x", b"\x1b[", b"\r", b"\n", b"a" * 90 + b"\n", b"ssh " * 20, b"\xff\x00",
     b"a@" * 50 + b": Permission denied (\n", b"command failed: ssh -W ",
     *(line.encode() + b"\n" for _, line in EXAMPLES[::40])],
)  # fmt: skip
def test_a_big_log_needs_little_memory(unit: bytes) -> None:
    tracemalloc.start()
    reading = read.read(lines.blocks(Endless(unit, 1 << 20)))  # type: ignore[arg-type]
    weigh.weigh(reading)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 16 << 20


def seconds(size: int, unit: bytes) -> float:
    start = time.process_time()
    read.read(lines.blocks(Endless(unit, size)))  # type: ignore[arg-type]
    return time.process_time() - start


@pytest.mark.parametrize("unit", [b"a" * 5000, b"a@a: Permission denied (" * 3, b"command failed: ssh " * 9])
def test_time_grows_with_the_log_and_no_faster(unit: bytes) -> None:
    seconds(1 << 18, unit)
    assert seconds(1 << 21, unit) < 24 * seconds(1 << 18, unit) + 0.5


def test_a_message_in_a_line_without_end_is_found_wherever_it_stands() -> None:
    message = "ssh: connect to host bastion port 22: Connection refused"
    for at in (LONGEST - 20, LONGEST * 3 - 5, 1 << 18, (1 << 19) + 7):
        found = explained("y" * at + message + " " + "y" * 999).found
        assert [fault.hosts for fault in found] == [("bastion",)]


def test_numbers_are_an_editors() -> None:
    log = io.BytesIO(b"one e\r\ntwo 1%\rtwo\r\n\x1b[31mthree e\x1b[0m\n\nfiv\x1b[1me e")
    found = list(lines.blocks(log))
    assert found[-1].last == 5
    assert [line for block in found for line in block.lines_with(["e", "two"])] == [
        Line(1, "one e"), Line(1, ""), Line(2, "two 1%"), Line(2, "two"), Line(2, ""),
        Line(3, "three e"), Line(5, "five e"),
    ]  # fmt: skip


def test_a_log_of_powershell_is_read() -> None:
    assert explained("\ufeffHost key verification failed.\r\n".encode("utf-16-le")).found


def test_an_interrupt_ends_the_log_and_not_the_explanation() -> None:
    class Interrupted(io.RawIOBase):
        def __init__(self) -> None:
            self._data: Iterator[bytes] = iter([b"Host key verification failed.\n"])

        def read(self, _size: int = -1) -> bytes:
            for data in self._data:
                return data
            raise KeyboardInterrupt

    assert read.read(lines.blocks(Interrupted())).found  # type: ignore[arg-type]
