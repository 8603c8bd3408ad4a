"""Causes that fit a refusal where none is proven, ranked, each with the one command that settles it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kamal_forward_check.model import Candidate, Certainty, HopTrace, Role, ServerLine
from kamal_forward_check.sshd import advice, effective, wire
from kamal_forward_check.sshd.effective import Effective


@dataclass(frozen=True, slots=True)
class Asked:
    """The forward that was refused: a listen on a target, a connection from a jump."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def of_sshd(seen: HopTrace, asked: Sequence[Asked], *, streamlocal: bool | None) -> tuple[Candidate, ...]:
    """An OpenSSH that forbids the forward; one that forbids streamlocal as well has likely disabled all."""
    wrong = "no or local" if seen.hop.role is Role.TARGET else "no or remote"
    off = Candidate("AllowTcpForwarding", f"it may be {wrong}", settle(seen, "AllowTcpForwarding"))
    disabled = Candidate(
        "DisableForwarding", "it may be yes; it beats AllowTcpForwarding", settle(seen, "DisableForwarding")
    )
    if seen.hop.role is Role.TARGET:
        expired = Candidate("password expired", "PAM forbids all forwards then", f"sudo chage -l {seen.hop.user}")
        return (disabled, off, expired) if streamlocal else (off, disabled, expired)
    listed = Candidate("PermitOpen", f"it may not list {asked[0]}", settle(seen, "PermitOpen"))
    return (disabled, off, listed) if streamlocal else (off, listed, disabled)


def of_lists(seen: HopTrace, asked: Sequence[Asked], option: str, keyword: str, at: str) -> tuple[Candidate, ...]:
    """A list leaves `asked` out: that of the key (whose line is `at`, where it is known), or sshd_config's."""
    wanted = " ".join(map(str, asked))
    file, _, line = at.rpartition(":")
    show = f"sudo sed -n {line}p {file}" if at else f"grep -n {option} ~/.ssh/authorized_keys"
    return (
        Candidate(option, f"{at or 'the line'} of the key may list other addresses than {wanted}", show),
        Candidate(keyword, f"sshd_config may list other addresses than {wanted}", settle(seen, keyword)),
    )


def of_another_server(seen: HopTrace, asked: Sequence[Asked]) -> tuple[Candidate, ...]:
    """A server that is not OpenSSH: it has settings of its own, and tells nothing."""
    target = seen.hop.role is Role.TARGET
    port = (taken(asked[0]),) if target else ()
    if "dropbear" in seen.heard.version:
        flag, way = ("-k", "remote") if target else ("-j", "local")
        key = "grep -nE 'no-port-forwarding|restrict|permit' ~/.ssh/authorized_keys"
        return (
            Candidate(f"dropbear {flag}", f"it forbids {way} forwards", "ps | grep '[d]ropbear'"),
            Candidate("authorized_keys", "the key's line may forbid forwards", key),
            *port,
        )
    name = wire.version_name(seen.heard.version) or "this server"
    log = f"the log and the access rules of {name} on {seen.hop.host}"
    return (Candidate("its own rules", f"{name} is not OpenSSH, and gives no reason", log), *port)


def not_on_disk(seen: HopTrace) -> tuple[Candidate, ...]:
    """The files allow what the running sshd forbids."""
    reload = f"sudo sshd -t && {advice.reload_command(seen.host_said)}"
    daemons = f"sudo ss -ltnp 'sport = :{seen.hop.port}'; ps -eo args | grep '[s]shd'"
    return (
        Candidate("not reloaded", "the files were edited, and the running sshd has not read them", reload),
        Candidate("another daemon", "another sshd, with files of its own, serves this port", daemons),
    )


def not_bound(seen: HopTrace, asked: Asked) -> tuple[Candidate, ...]:
    """sshd may listen, could not, and nobody is seen to hold the port."""
    holds = effective.read(seen.host_said)
    log = Candidate("sshd's log", "it names the error", "sudo journalctl -u ssh -u sshd --since -5min | grep -i bind")
    family = holds.values.get("addressfamily", "inet6") if holds else "inet6"
    inet6 = Candidate("AddressFamily", "with inet6 no IPv4 address can be bound", settle(seen, "AddressFamily"))
    return (*([] if holds else [taken(asked)]), *([inet6] if family == "inet6" else []), log)


def taken(asked: Asked) -> Candidate:
    """Somebody holds the port."""
    return Candidate("port in use", f"something may listen on {asked}", f"sudo ss -ltnp 'sport = :{asked.port}'")


def unsure(seen: HopTrace, holds: Effective, lines: Sequence[ServerLine]) -> tuple[Candidate, ...]:
    """What may come before the lines that a login could see."""
    why = holds.doubt or "the line that was found says otherwise than sshd"
    return tuple(
        Candidate(
            line.keyword, f"{why}: another line may decide", f"{settle(seen, line.keyword)}; {_find(line.keyword)}"
        )
        for line in lines
        if line.certainty is Certainty.CANDIDATES
    )


def _find(keyword: str) -> str:
    return f"sudo grep -rin {keyword.lower()} /etc/ssh/sshd_config*"


def settle(seen: HopTrace, keyword: str) -> str:
    """The one command that shows what holds for this login, to be typed in an SSH session that came the same way."""
    return f"{_asked(seen, '-T')} | grep -i {keyword.lower()}"


def locate(seen: HopTrace, keyword: str) -> str:
    """The command that names the lines of `keyword` in sshd's order: those after "reprocess config" go first."""
    lines = f"reprocess config len|setting {keyword} |^{keyword} "
    return f"{_asked(seen, '-T -ddd')} 2>&1 | grep -iE '{lines}'"


def _asked(seen: HopTrace, options: str) -> str:
    who = f"user={seen.hop.user},host=$1,addr=$1,laddr=$3,lport=$4"
    return f"sh -c 'set -- $SSH_CONNECTION; sudo sshd {options} -C \"{who}\"'"
