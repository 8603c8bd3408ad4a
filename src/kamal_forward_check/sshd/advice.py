"""The least change that lets Kamal's forward through, and how to make it: a line for a line.

What stands is kept and what is needed is added: a target must listen (`remote`), a jump must connect
(`local`); a host that already grants the other direction needs `yes` (sshd_config(5), AllowTcpForwarding).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from kamal_forward_check.model import Certainty, Change, Daemon, HopTrace, Role, ServerLine
from kamal_forward_check.sshd import effective, machine, permits, wire
from kamal_forward_check.sshd.authorized_keys import Options, parse
from kamal_forward_check.sshd.effective import Deciding

FORWARDING = {"allowtcpforwarding", "disableforwarding", *permits.OPTION.values()}
"""The keywords that decide forwards, in lower case."""

NEEDED = {Role.TARGET: "remote", Role.JUMP: "local"}
"""The one direction of AllowTcpForwarding that each role needs."""

BLANKS = " \t\r"
"""What counts for nothing at a line's end; the script that replaces the line takes the same for it."""

_ONE_WAY = re.compile(r"\b(?:local|remote)\b")
_OF_THE_SYSTEM = re.compile(r"(?:/(?:usr|opt|s?bin|nix))(?:/(?!\.\.)[A-Za-z0-9_.+-]+)+")
_OF_SSH_CONNECTION = 4  # client's address and port, server's address and port (ssh(1), ENVIRONMENT)


def allow_tcp_forwarding(current: str, role: Role) -> str:
    """The value that AllowTcpForwarding should have: `no` becomes the role's direction, the other one `yes`."""
    return NEEDED[role] if current.lower() in ("no", "") else "yes"


def listing(current: str, wanted: Iterable[str]) -> str:
    """A PermitListen or PermitOpen list with `wanted` (each host:port) added."""
    return " ".join([*([] if current.lower() in ("none", "") else [current]), *wanted])


def key_line(options: Options, role: Role, wanted: Iterable[str]) -> str:
    """An authorized_keys line's options, changed so that the forwards `wanted` (each host:port) are allowed."""
    name = permits.OPTION[role]
    pairs = [pair for pair in options.pairs if pair[0].lower() != "no-port-forwarding"]
    if Options(tuple(pairs)).withholding:
        last = max(i for i, pair in enumerate(pairs) if pair[0].lower() == "restrict")
        pairs.insert(last + 1, ("port-forwarding", None))
    if options.values(name):
        last = max(i for i, pair in enumerate(pairs) if pair[0].lower() == name)
        pairs[last + 1 : last + 1] = [(name, each) for each in wanted]
    return str(Options(tuple(pairs)))


def server_line(host: str, decides: Deciding, new_value: str) -> ServerLine:
    """The deciding line and what it should be: its own text with only the value replaced."""
    if decides.on_command_line:
        current = f"-o {decides.keyword}={decides.value}"
        change_to = f"-o {decides.keyword}={new_value}"
    elif decides.line is None:
        # No line says so: the value is built in, and one line has to be added.
        current, change_to = "", f"{decides.keyword} {new_value}"
    else:
        current = decides.text.rstrip(BLANKS)
        change_to = _replaced(current, decides.keyword, new_value)
    return ServerLine(
        host=host,
        file=decides.file or effective.DEFAULT_MAIN,
        line=decides.line,
        keyword=decides.keyword,
        current=current,
        change_to=change_to,
        certainty=decides.certainty,
        excerpt=decides.excerpt,
    )


def _replaced(line: str, keyword: str, value: str) -> str:
    """`line` with its value replaced; indentation, spelling and a comment stay."""
    match = re.match(rf"(\s*{re.escape(keyword)}(?:\s*=\s*|\s+))(.*?)(\s+#.*)?$", line, re.IGNORECASE)
    return f"{match[1]}{value}{match[3] or ''}" if match else f"{keyword} {value}"


def for_all(seen: HopTrace) -> bool:
    """The host's sshd_config says the same of forwarding to every login: no Match block that fits speaks of it."""
    holds = effective.read(seen.host_said)
    return holds is not None and not any(
        keyword.lower() in FORWARDING and in_a_block for _, _, keyword, _, in_a_block in holds.active
    )


def for_both_ways(line: ServerLine) -> ServerLine:
    """The line for a host that has to listen and to connect: only `yes` does both."""
    if line.keyword.lower() != "allowtcpforwarding":
        return line
    return replace(line, change_to=_ONE_WAY.sub("yes", line.change_to, count=1))


def both(first: ServerLine, second: ServerLine) -> ServerLine:
    """One line that does what two changes of it are for."""
    if first.change_to == second.change_to:
        return first
    if first.keyword.lower() == "allowtcpforwarding":
        return for_both_ways(first)
    options = (*parse(first.change_to).pairs, *parse(second.change_to).pairs)
    return replace(first, change_to=str(Options(tuple(dict.fromkeys(options)))))


def is_of_key(seen: HopTrace, line: ServerLine) -> bool:
    """The line is that of the key that let us in, not one of sshd_config."""
    key = wire.key_options(seen.heard.debug)
    return key is not None and (line.file, line.line) == (key.file, key.line)


def change(line: ServerLine, *, of_key: bool) -> Change:
    """One of the lines that must change together, as the report lists them."""
    return Change(line.host, line.file, line.line, line.current, line.change_to, of_key)


def daemon(seen: HopTrace) -> Daemon:
    """The sshd that let us in, by the host's own words: where it listens, and what its -f and -o are.

    The words are a login's, and root is to run the program: one in a place that a login may write to is not taken
    for sshd.
    """
    came_by = " ".join(seen.host_said.get("who", "").splitlines()[2:3]).split()
    port = int(came_by[3]) if len(came_by) == _OF_SSH_CONNECTION and came_by[3].isdigit() else seen.hop.port.value
    program, _, options = seen.host_said.get("daemon", "").strip().partition(" ")
    words = (word for flag, value in effective.flags(options) for word in (f"-{flag}", value))
    return Daemon(seen.hop.host.value, port, (program if _OF_THE_SYSTEM.fullmatch(program) else "sshd", *words))


def commands(lines: tuple[ServerLine, ...], said: Mapping[str, str]) -> tuple[str, ...]:
    """What to type on the host. A line is replaced only where it still reads as reported.

    What can't be typed is for the script alone: a report shows it spelt out.
    """
    edits = [_edit(line) for line in lines if line.line and line.current and _is_sshd_config(line)]
    if not all(line.current.replace("\t", "").isprintable() for line in lines):
        return ()
    if not edits:
        return ()
    return (*edits, f"sudo sshd -t && {reload_command(said)}")


def reload_command(said: Mapping[str, str]) -> str:
    """How this host's sshd reads its files again: by its own unit, else by what the host's system is."""
    if unit := machine.read(said).unit:
        return f"sudo systemctl reload {shlex.quote(unit.removesuffix('.service'))}"
    words = said.get("os", "").lower().replace('"', " ").split()
    name = "ssh" if {"debian", "ubuntu"} & set(words) else "sshd"
    if "systemd" in words:
        return f"sudo systemctl reload {name}"
    if "openrc" in words:
        return "sudo rc-service sshd reload"
    return f"sudo service {name} reload"


def _is_sshd_config(line: ServerLine) -> bool:
    return line.certainty is Certainty.EXACT and PurePosixPath(line.file).is_absolute()


def _edit(line: ServerLine) -> str:
    old = re.sub(r"([][\\.*^$/])", r"\\\1", line.current)
    new = re.sub(r"([\\&/])", r"\\\1", line.change_to)
    return f"sudo sed -i {shlex.quote(f'{line.line}s/^{old}[[:space:]]*$/{new}/')} {shlex.quote(line.file)}"
