"""Refusals to be explained: what was asked, what sshd and its key say, what it answers to questions beside."""

from __future__ import annotations

from kamal_forward_check.model import AsideAnswer, HopTrace, ServerLine
from kamal_forward_check.sshd.candidates import Asked
from kamal_forward_check.sshd.refusal import explain
from kamal_forward_check.sshd.why import Refusal
from kamal_forward_check.sshd.wire import PERMIT_REFUSED, STREAMLOCAL_DISABLED
from tests.sshd.seen import config

LISTEN = [Asked("127.0.0.1", 5555)]
NEXT = [Asked("web-1", 22)]
KEYS = "/home/deploy/.ssh/authorized_keys"
KEY_WITHHOLDS = f"{KEYS}:3: key options: pty user-rc"
KEY_LISTS = f"{KEYS}:3: key options: permitlisten permitopen port-forwarding pty"
ALLOWED = config()

CODE_1, CODE_2 = AsideAnswer(granted=False, code=1), AsideAnswer(granted=False, code=2)
OPENED = AsideAnswer(granted=True)
NO_STREAMLOCAL = AsideAnswer(granted=False, debug=(STREAMLOCAL_DISABLED,))
STREAMLOCAL = AsideAnswer(granted=False, debug=(PERMIT_REFUSED,))
REFUSED = AsideAnswer(granted=False)


def of_target(seen: HopTrace, asked: list[Asked] = LISTEN) -> Refusal:
    """Why a target refused."""
    return explain(seen, asked)


def only(found: Refusal) -> ServerLine:
    """The one line that has to change."""
    [line] = found.lines
    return line


def keywords(found: Refusal) -> list[str]:
    """What may be the cause, the likeliest first."""
    return [candidate.keyword for candidate in found.candidates]
