"""Causes that fit a refusal where none is proven, ranked, each with the one command that settles it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from kamal_forward_check.model import Aside, Candidate, Certainty, HopTrace, Role, ServerLine
from kamal_forward_check.sshd import advice, effective, machine, permits, wire
from kamal_forward_check.sshd.effective import Effective
from kamal_forward_check.sshd.machine import FIRST_UNPRIVILEGED_PORT
from kamal_forward_check.sshd.wire import KeyOptions

_USUAL = "/usr/sbin/sshd"
"""The sshd that sudo finds by its name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The forward that was refused: a listen on a target, a connection from a jump."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def of_sshd(seen: HopTrace, asked: Sequence[Asked], *, streamlocal: bool | None) -> tuple[Candidate, ...]:
    """An OpenSSH that forbids the forward; one that forbids streamlocal as well has likely disabled all."""
    target = seen.hop.role is Role.TARGET
    wrong = "no or local" if target else "no or remote"
    off = Candidate("AllowTcpForwarding", f"it may be {wrong}", settle(seen, "AllowTcpForwarding"))
    disabled = Candidate(
        "DisableForwarding", "it may be yes; it beats AllowTcpForwarding", settle(seen, "DisableForwarding")
    )
    listed = Candidate("PermitOpen", f"it may not list {asked[0]}", settle(seen, "PermitOpen"))
    expired = Candidate("password expired", "PAM forbids all forwards then", f"sudo chage -l {seen.hop.user}")
    # What forbids streamlocal forwards does so for all: where they are allowed, it is none of these. An expired
    # password withholds commands as well: where one ran, it is not that.
    of_all = () if streamlocal is False else (*_of_key(seen), *(() if seen.host_said else (expired,)))
    lists = () if target else (listed, *_of_keys_list(seen, asked))
    first = (disabled, off) if streamlocal else (off,) if streamlocal is False else (off, disabled)
    ports = (_privileged(asked[0]),) if target and 0 < asked[0].port < FIRST_UNPRIVILEGED_PORT else ()
    return (*first, *lists, *of_all, *ports)


def _of_key(seen: HopTrace) -> tuple[Candidate, ...]:
    """The key's line, where sshd did not tell what it allows."""
    if wire.key_options(seen.heard.debug):
        return ()
    show = "grep -nE 'restrict|no-port-forwarding' ~/.ssh/authorized_keys"
    return (Candidate("authorized_keys", "the key's line may have restrict or no-port-forwarding", show),)


def _of_keys_list(seen: HopTrace, asked: Sequence[Asked]) -> tuple[Candidate, ...]:
    """The key's permitopen, where it has one, or sshd did not tell."""
    key = wire.key_options(seen.heard.debug)
    if key and permits.OPTION[seen.hop.role] not in key.names and not wire.is_old(seen.heard.version):
        return ()
    return of_lists(seen, asked, key)[:1]


def _privileged(asked: Asked) -> Candidate:
    return Candidate("privileged port", "only root may listen below 1024", f"sudo ss -ltnp 'sport = :{asked.port}'")


def of_lists(seen: HopTrace, asked: Sequence[Asked], key: KeyOptions | None) -> tuple[Candidate, ...]:
    """A list leaves `asked` out: that of the key, as far as sshd told of its line, or sshd_config's."""
    option, keyword = permits.OPTION[seen.hop.role], permits.KEYWORD[seen.hop.role]
    wanted = " ".join(map(str, asked))
    at, show = "", f"grep -n {option} ~/.ssh/authorized_keys"
    if key and key.file:
        at, show = f"{key.file}:{key.line}", f"sudo sed -n {key.line}p {shlex.quote(key.file)}"
    return (
        Candidate(option, f"{at or 'the line'} of the key may list other addresses than {wanted}", show),
        Candidate(keyword, f"sshd_config may list other addresses than {wanted}", settle(seen, keyword)),
    )


def of_another_server(seen: HopTrace, asked: Sequence[Asked]) -> tuple[Candidate, ...]:
    """A server that is not OpenSSH: it has settings of its own, and tells nothing."""
    target = seen.hop.role is Role.TARGET
    port = (taken(asked[0]),) if target and "sockets" not in seen.host_said else ()
    if "dropbear" in seen.heard.version:
        return (*_of_dropbear(seen), *port)
    name = wire.version_name(seen.heard.version) or "this server"
    log = f"the log and the access rules of {name} on {seen.hop.host}"
    return (Candidate("its own rules", f"{name} is not OpenSSH, and gives no reason", log), *port)


def _of_dropbear(seen: HopTrace) -> tuple[Candidate, ...]:
    flag, way = ("-k", "remote") if seen.hop.role is Role.TARGET else ("-j", "local")
    show = "ps | grep '[d]ropbear'"
    words = seen.host_said.get("daemon", "").split()
    given = any(re.fullmatch(r"-[A-Za-z]+", word) and flag[1] in word for word in words[1:])
    options = Candidate(f"dropbear {flag}", f"it forbids {way} forwards", show)
    if given:
        options = Candidate(options.keyword, f"{' '.join(words)} has it: it forbids {way} forwards", show)
    line = Candidate(
        "authorized_keys",
        "the key's line may forbid forwards",
        "grep -nE 'no-port-forwarding|restrict|permit' ~/.ssh/authorized_keys",
    )
    return (options, line) if given or not words else (line,)


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
    holds, host = effective.read(seen.host_said), machine.read(seen.host_said)
    other = seen.asides.get(Aside.OTHER_PORT)
    this_port_alone = other is not None and other.granted
    port = () if "sockets" in seen.host_said else (taken(asked),)
    inet6 = Candidate("AddressFamily", "with inet6 no IPv4 address can be bound", settle(seen, "AddressFamily"))
    no_ipv4 = () if holds or this_port_alone else (inet6,)
    selinux = Candidate(
        "SELinux",
        f"it may forbid sshd the port {asked.port}",
        f"sudo ausearch -m avc -ts recent | grep {asked.port}; sudo semanage port -l | grep -w {asked.port}",
    )
    guard = (selinux,) if host.enforcing or not seen.host_said else ()
    profile = Candidate(
        "AppArmor", f"sshd is confined: {host.confined}", "sudo journalctl -k --since -5min | grep -i 'apparmor.*sshd'"
    )
    confined = (profile,) if host.confined else ()
    log = Candidate("sshd's log", "it names the error", "sudo journalctl -u ssh -u sshd --since -5min | grep -i bind")
    return (*port, *guard, *confined, *no_ipv4, log)


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
    program, *own = advice.daemon(seen).command
    sshd = shlex.join(["sshd" if program == _USUAL else program, *own])
    script = f'set -- $SSH_CONNECTION; sudo {sshd} {options} -C "{who}"'
    return f"sh -c {shlex.quote(script)}"
