"""A row of the table of faults: one host that is wrong, and what has to be said of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import faults
from tests.cases.case import Case

TARGET, JUMP, SECOND = "target", "jump", "second-jump"
"""Where the host stands on the route. In front of a second jump there is one that works."""

HOSTS = {
    TARGET: {"bastion": ["front", "back"], "web-1": ["back"]},
    JUMP: {"bastion": ["front", "back"], "web-1": ["back"]},
    SECOND: {"bastion": ["front", "back"], "inner": ["back", "inner"], "web-1": ["inner"]},
}
HOST = {TARGET: "web-1", JUMP: "bastion", SECOND: "inner"}

WORKS = "works"
"""In a code's place: the check has to pass."""

OPEN = ("KF302", "KF301", "KF419", "KF519", "KF523")
"""Findings that leave the cause open: their candidates have to have it."""

CANDIDATE = {
    "KF401": "authorized_keys", "KF410": "AllowTcpForwarding", "KF411": "DisableForwarding", "KF412": "PermitOpen",
    "KF413": "permitopen", "KF501": "authorized_keys", "KF510": "AllowTcpForwarding", "KF511": "DisableForwarding",
    "KF512": "PermitListen", "KF513": "permitlisten", "KF514": "password expired", "KF520": "port in use",
}  # fmt: skip
"""How a candidate calls the cause that a code stands for."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Line:
    """The line that decides, and what it should be."""

    file: str
    line: int | None
    current: str
    change_to: str


@dataclass(frozen=True)
class Row:
    """Faults of one host, and the answer. `code` may be WORKS."""

    on: str
    fault: str
    """The names of lab.faults, with a + between them."""
    code: str
    line: Line | None = None
    """What the host itself must have named; None where no line decides, or the login can't ask."""
    certainty: str = "exact"
    """Of the line."""
    changes: int = 0
    """How many lines have to change together: one where there is a line, unless said."""
    candidate: str = ""
    """A word of the candidate that has to be there where the finding leaves the cause open."""
    says: str = ""
    """Words of the report that settle it where the host can be asked, and a finding of this code may leave it open."""
    mute: str = ""
    """The code where the host runs no command, if it has to be another: the wire can't know more."""
    user: str = ""
    home: Mapping[str, Any] = field(default_factory=dict)
    by_hand: str = ""
    """Commands for root on the host in place of a fix script: what the finding tells a person to do."""
    incurable: str = ""
    """Why the host is not mended here."""
    shell: bool = True
    """It matters whether the login runs commands: not so where there is no login."""
    kamal: str = "fail"

    @property
    def name(self) -> str:
        return f"{self.on}-{self.fault}" + (f"-as-{self.user}" if self.user else "")

    @property
    def faults(self) -> list[str]:
        return self.fault.split("+")

    @property
    def host(self) -> str:
        return HOST[self.on]

    def expected(self, *, mute: bool = False) -> str:
        """The code that has to be reported."""
        return (self.mute if mute else "") or self.code

    @property
    def login(self) -> str:
        return (self.user or "deploy") if self.on == TARGET else "ops"

    @property
    def missing(self) -> str:
        """Programs that this machine lacks for the row."""
        needed = [program for name in self.faults for program in faults.named(name).needs]
        return ", ".join(program for program in needed if not shutil.which(program, path=_PATH))

    def case(self) -> Case:
        """The row as a case."""
        return Case(
            folder=Path(__file__).with_name(f"row-{self.name}"),
            about="; ".join(faults.named(name).about for name in self.faults),
            expect={"verdict": "pass" if self.code == WORKS else "fail", "codes": [self.code]},
            kamal=self.kamal,
            hosts=HOSTS[self.on],
            user=self.user or "deploy",
            faults={self.host: self.faults},
            home=dict(self.home),
        )
