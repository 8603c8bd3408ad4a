"""What real hosts of the lab answered to our questions, kept as files: one for each fault, in `said/`.

`python -m tests.sshd.said` asks them anew (as root, on Linux).
"""

from __future__ import annotations

import shlex
from pathlib import Path

from kamal_forward_check.probe import questions
from lab import Lab

FOLDER = Path(__file__).with_name("said")
FAULTS = (
    "allow-tcp-forwarding-no-dropin",
    "allow-tcp-forwarding-no-two-lines",
    "allow-tcp-forwarding-no-match-user",
    "allow-tcp-forwarding-no-match-include",
    "allow-tcp-forwarding-no-option",
    "allow-tcp-forwarding-no-unreadable",
    "disable-forwarding-and-allow-no",
    "permit-listen-5556",
    "port-in-use",
    "port-held-by-forward",
)
_MARK = "@@"


def said(fault: str) -> dict[str, str]:
    """The sections of the answers of a target with this fault, logged in to as `deploy`."""
    text = (FOLDER / f"{fault}.txt").read_text(encoding="utf-8")
    pieces = text.split(f"\n{_MARK} ")[1:]
    return {name: body.rstrip("\n") for name, _, body in (piece.partition("\n") for piece in pieces)}


def _ask(lab: Lab, fault: str) -> str:
    home = lab.home()
    key = (lab.root(fault) / "etc/ssh/ssh_host_ed25519_key").read_text(encoding="ascii")
    values = {"S": _MARK, "PORT": "5555", "KEY": key, "KEYFILE": "/home/deploy/.ssh/authorized_keys", "KEYLINE": "2"}
    values["LOGIN"] = "deploy"
    script = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    script += Path(questions.__file__).with_name("host_questions.sh").read_text(encoding="utf-8")
    place = home.path / "questions.sh"
    place.write_text(script, encoding="utf-8")
    ssh = "ssh -o StrictHostKeyChecking=no -J ops@bastion"
    return lab.run(["sh", "-c", f"{ssh} deploy@{fault} /bin/sh < {place}"], home).stdout


def main() -> None:
    """Write all files anew."""
    FOLDER.mkdir(exist_ok=True)
    with Lab() as lab:
        lab.host("bastion", "front", "back", login="ops")
        for fault in FAULTS:
            lab.host(fault, faults=[fault], login="deploy")
        lab.start()
        for fault in FAULTS:
            (FOLDER / f"{fault}.txt").write_text(_ask(lab, fault), encoding="utf-8")


if __name__ == "__main__":
    main()
