"""ssh's own words, as it said them (OpenSSH 9.2), read as evidence."""

from __future__ import annotations

import pytest

from kamal_forward_check.model import Cause, Stage
from kamal_forward_check.probe.ssh_words import Said, last_words, logins, read

IN = 'Authenticated to {} ([192.0.2.11]:22) using "publickey".\n'
THROUGH = 'Authenticated to {} (via proxy) using "publickey".\n'
OUTER = "kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n"
PROHIBITED = "channel 0: open failed: administratively prohibited: open failed\nstdio forwarding failed\n"
CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Offending ED25519 key in /home/me/.ssh/known_hosts:5
Host key for chg has changed and you have requested strict checking.
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("stderr", "hop", "stage", "cause"),
    [
        ("ssh: Could not resolve hostname b: Name or service not known\n", 0, Stage.REACH, Cause.NAME_UNKNOWN),
        ("ssh: connect to host down port 22: Connection refused\n" + OUTER, 0, Stage.REACH, Cause.REFUSED),
        ("ssh: connect to host h port 22: No route to host\n", 0, Stage.REACH, Cause.NO_ROUTE),
        ("ssh: connect to host h port 22: Connection timed out\n", 0, Stage.REACH, Cause.TIMED_OUT),
        (
            "Unable to negotiate with 192.0.2.18 port 22: no matching cipher found. Their offer: aes128-ctr\n",
            0,
            Stage.REACH,
            Cause.NO_COMMON_ALGORITHM,
        ),
        (
            "kex_exchange_identification: read: Connection reset by peer\nConnection reset by 192.0.2.19 port 22\n",
            0,
            Stage.REACH,
            Cause.CLOSED_EARLY,
        ),
        ("Bad stdio forwarding specification '::1:22'\n", 0, Stage.REACH, Cause.UNEXPECTED),
        ("Host key verification failed.\n", 0, Stage.HOST_KEY, Cause.HOST_KEY_UNKNOWN),
        (CHANGED, 0, Stage.HOST_KEY, Cause.HOST_KEY_CHANGED),
        (IN.format("a") + CHANGED + OUTER, 1, Stage.HOST_KEY, Cause.HOST_KEY_CHANGED),
        ("ops@no: Permission denied (publickey).\n" + OUTER, 0, Stage.LOGIN, Cause.LOGIN_REFUSED),
        (
            'Authenticated using "publickey" with partial success.\nops@two: Permission denied (publickey).\n',
            0,
            Stage.LOGIN,
            Cause.LOGIN_PARTIAL,
        ),
        (
            "Received disconnect from 192.0.2.9 port 22:2: Too many authentication failures\nDisconnected from …\n",
            0,
            Stage.LOGIN,
            Cause.TOO_MANY_FAILURES,
        ),
        ("Connection closed by 192.0.2.9 port 22\n", 0, Stage.LOGIN, Cause.LOST),
        (IN.format("bad") + PROHIBITED, 0, Stage.FORWARD, Cause.PROHIBITED),
        (IN.format("bad") + PROHIBITED + OUTER, 0, Stage.FORWARD, Cause.PROHIBITED),
        (IN.format("a") + THROUGH.format("b") + PROHIBITED, 1, Stage.FORWARD, Cause.PROHIBITED),
        (
            IN.format("a") + "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n",
            1,
            Stage.REACH,
            Cause.REFUSED,
        ),
        (
            IN.format("a") + "channel 0: open failed: connect failed: Name or service not known\n" + OUTER,
            1,
            Stage.REACH,
            Cause.NAME_UNKNOWN,
        ),
        (IN.format("a") + "channel 0: open failed: resource shortage: \n", 0, Stage.FORWARD, Cause.UNEXPECTED),
    ],
)
def test_where_ssh_stopped(stderr: str, hop: int, stage: Stage, cause: Cause) -> None:
    said = read(stderr)
    assert said
    assert (said.hop, said.stage, said.cause) == (hop, stage, cause)
    assert said.words in stderr


@pytest.mark.parametrize(
    "stderr",
    [
        "",
        IN.format("a"),
        "Killed by signal 15.\n",
        PROHIBITED,  # by a connection that stood before: whose words these are is not told
        "Welcome! Permission denied (publickey) to all strangers.\n",  # a banner, which ssh shows as well
    ],
)
def test_what_tells_nothing(stderr: str) -> None:
    assert read(stderr) is None


def test_a_login_is_no_last_word() -> None:
    stderr = f"sign_and_send_pubkey: signing failed\n{IN.format('a')}Killed by signal 15.\n"
    assert last_words(stderr) == "sign_and_send_pubkey: signing failed"
    assert logins(stderr) == 1
    assert last_words(IN) == ""


def test_words_are_those_of_the_line_that_decides() -> None:
    assert read(f"Warning: x\n{OUTER}") == Said(
        0, Stage.REACH, Cause.CLOSED_EARLY, "kex_exchange_identification: Connection closed by remote host"
    )
