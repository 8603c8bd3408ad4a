"""What a hop that refused is asked: harmless questions on the wire, and a script where a command may run."""

from __future__ import annotations

import contextlib
import secrets
import shlex
from collections.abc import Callable
from functools import cache
from importlib.resources import files

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kamal_forward_check.model import Aside, AsideAnswer
from kamal_forward_check.probe.causes import ChannelRefusedError
from kamal_forward_check.probe.live import Live
from kamal_forward_check.sshd import authorized_keys

_SECONDS = 10.0


def own_sshd(live: Live) -> AsideAnswer:
    """May a channel be opened to the host's own sshd? Nothing is sent on it."""
    try:
        live.channel_to("127.0.0.1", live.hop.port.value, _SECONDS).close()
    except ChannelRefusedError as refused:
        return AsideAnswer(granted=False, code=refused.code)
    return AsideAnswer(granted=True)


def streamlocal(live: Live) -> AsideAnswer:
    """Would it forward a Unix socket? The path lies in no folder: nothing can come of it but the reason."""
    before = len(live.transport.debug_texts)
    path = f"/nonexistent-{secrets.token_hex(4)}/x"
    granted = live.transport.ask("streamlocal-forward@openssh.com", path, limit=_SECONDS) is not None
    return AsideAnswer(granted, debug=tuple(live.transport.debug_texts[before:]))


def other_port(live: Live, host: str) -> AsideAnswer:
    """Would it listen on a port of its own choice? Given up again at once."""
    before = len(live.transport.debug_texts)
    reply = live.transport.ask("tcpip-forward", host, 0, limit=_SECONDS)
    if reply is not None:
        live.stop_listening(host, reply.get_int())
    return AsideAnswer(reply is not None, debug=tuple(live.transport.debug_texts[before:]))


def on_the_wire(live: Live, *asides: Aside) -> dict[Aside, AsideAnswer]:
    """The answers to `asides`; what a dying connection does not answer is left out."""
    ask: dict[Aside, Callable[[Live], AsideAnswer]] = {
        Aside.OWN_SSHD: own_sshd,
        Aside.STREAMLOCAL: streamlocal,
        Aside.OTHER_PORT: lambda live: other_port(live, "127.0.0.1"),
    }
    answers = {}
    for aside in asides:
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            answers[aside] = ask[aside](live)
    return answers


def of_the_host(live: Live, port: int) -> tuple[dict[str, str], str]:
    """The host's own answers by section (see host_questions.sh), or none and why not.

    Of the authorized_keys line only the options' names are kept.
    """
    options = live.key_options
    if options and options.command:
        return {}, "the key runs a command of its own, so no question was asked"
    mark = secrets.token_hex(12)
    variables = {
        "S": mark,
        "PORT": str(port),
        "KEY": _throwaway_key(),
        "KEYFILE": options.file if options else "",
        "KEYLINE": str(options.line) if options else "",
        "LOGIN": live.hop.user.value,
    }
    script = "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()) + _questions()
    try:
        output = live.run(script, _SECONDS)
    except (ChannelRefusedError, paramiko.SSHException, OSError, EOFError) as error:
        return {}, f"the host ran no command ({str(error) or type(error).__name__})"
    sections = _sections(output.replace("\r\n", "\n"), mark)
    if "who" not in sections:
        first = next((line.strip() for line in output.splitlines() if line.strip()), "")
        return {}, "the login runs no command of ours" + (f": {first}" if first else "")
    line, _, below = sections.get("key", "").partition("\n")
    sections["key"] = str(authorized_keys.options(line))
    sections["same key"] = "\n".join(_safe(row) for row in below.split("\n"))
    return sections, ""


def _safe(row: str) -> str:
    number, _, line = row.partition(" ")
    return f"{number} {authorized_keys.options(line)}"


def _sections(output: str, mark: str) -> dict[str, str]:
    """The text between the marks. What stands before the first (a MOTD, a shell's greeting) is dropped."""
    sections: dict[str, str] = {}
    for piece in output.split(f"\n{mark} ")[1:]:
        name, _, text = piece.partition("\n")
        sections[name.strip()] = text.rstrip("\n")
    return sections


@cache
def _questions() -> str:
    return (files(__package__) / "host_questions.sh").read_text(encoding="utf-8")


def _throwaway_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    unencrypted = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, unencrypted).decode()
