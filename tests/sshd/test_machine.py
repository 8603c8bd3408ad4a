"""What a host says of itself beside its sshd's settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamal_forward_check.sshd import advice, machine
from tests.sshd.said import said
from tests.sshd.seen import ALWAYS_THE_SAME


def test_a_real_host() -> None:
    host = machine.read(said("port-in-use"))
    assert (host.uid, host.loaded, host.edited) == ("1001", "/run/sshd.pid", ())
    assert (host.no_loopback, host.unprivileged) == (False, 1024)


def test_a_host_that_was_not_asked() -> None:
    assert machine.read({}) == machine.Machine()


@pytest.mark.parametrize(
    ("unit", "command"),
    [
        ("ssh.service", "sudo systemctl reload ssh"),
        ("sshd.service", "sudo systemctl reload sshd"),
        ("sshd-deploy.service", "sudo systemctl reload sshd-deploy"),
    ],
)
def test_the_daemons_own_unit_is_reloaded(unit: str, command: str) -> None:
    assert advice.reload_command({"service": f"unit {unit}\nloaded /run/sshd.pid", "os": "debian\nsystemd"}) == command


@ALWAYS_THE_SAME
@given(st.fixed_dictionaries({name: st.text() for name in ("who", "service", "security", "network")}))
def test_whatever_a_host_answers_is_read(answers: dict[str, str]) -> None:
    machine.read(answers)
