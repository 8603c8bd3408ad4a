"""Does data really go through? From the target to our end of the forward, and back."""

from __future__ import annotations

import contextlib
import secrets
from enum import Enum

import paramiko

from kamal_forward_check.probe.causes import ChannelRefusedError
from kamal_forward_check.probe.live import Live
from kamal_forward_check.probe.registry_stub import PROOF, RegistryStub

_SECONDS = 3
_LOGIN_SECONDS = 6.0  # for a login and one tool: a forced command may never end

# By whatever the host has; the first that brings the nonce ends it. Proxies and start-up files are left out; busybox's
# wget crashes on -T, hence `timeout`; dash and ash know no /dev/tcp, so bash is called by name. A program that can't be
# started, or crashes (125 and above), was no try. After one that waited in vain (curl's 28, timeout's 124) the others
# would wait in vain as well.
_SCRIPT = """\
within() {{ if command -v timeout >/dev/null 2>&1; then timeout {seconds} "$@"; else "$@"; fi; }}
try() {{ command -v "$1" >/dev/null 2>&1 || return; out=$(within "$@" 2>&1); status=$?
  if [ $status -gt 124 ]; then return; fi
  printf '%s\\n' "{mark} $1" "$out"; case $out in *"{proof}"*) exit 0 ;; esac
  case $status in 28 | 124) exit 0 ;; esac; }}
try curl -q --noproxy '*' -s -S -m {seconds} http://127.0.0.1:{port}{path}
unset http_proxy HTTP_PROXY
export no_proxy=127.0.0.1
try wget -q -O - http://127.0.0.1:{port}{path}
try bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && printf "GET {path} HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3'
try python3 -I -c 'import socket
s = socket.create_connection(("127.0.0.1", {port}), {seconds})
s.sendall(b"GET {path} HTTP/1.0\\r\\n\\r\\n")
while (more := s.recv(4096)): print(more.decode(), end="")'
echo "{mark} end"
"""


class Flow(Enum):
    """What came of it. `UNTRIED`: nothing could run on the host, and no channel goes back."""

    THROUGH = "through"
    STUCK = "stuck"
    UNTRIED = "untried"


def send(live: Live, port: int, stub: RegistryStub, limit: float) -> tuple[Flow, str]:
    """Fetch the stub's nonce from the target's 127.0.0.1:port; the flow, and by what (or what went wrong).

    No command is run where the key names one of its own. Raises EOFError where the connection ended.
    """
    options = live.key_options
    ran, said = False, "the key runs a command of its own"
    if not (options and options.command):
        flow, said = _by_a_program(live, port, stub, limit)
        if flow is Flow.THROUGH:
            return flow, said
        ran = flow is Flow.STUCK
    flow, words = _by_a_channel(live, port, stub, limit)
    if flow is Flow.UNTRIED and ran:
        return Flow.STUCK, said
    return flow, words if flow is Flow.THROUGH else f"{said}; {words}"


def _by_a_program(live: Live, port: int, stub: RegistryStub, limit: float) -> tuple[Flow, str]:
    mark = secrets.token_hex(8)
    # The nonce itself is not in the script: a login that echoes its input would prove data that never flowed.
    script = _SCRIPT.format(seconds=_SECONDS, mark=mark, port=port, path=stub.path, proof=PROOF)
    try:
        output = live.run(script, min(limit, _LOGIN_SECONDS))
    except (ChannelRefusedError, paramiko.SSHException, OSError) as error:
        return Flow.UNTRIED, f"no command could be run: {str(error) or type(error).__name__}"
    tools = [words[1] for line in output.splitlines() if (words := line.split())[:1] == [mark] and len(words) > 1]
    if stub.nonce in output:
        return Flow.THROUGH, next((tool for tool in reversed(tools) if tool != "end"), "a command")
    tools = [tool for tool in tools if tool != "end"]
    if not tools:
        return Flow.UNTRIED, "no command could be run on the host"
    last = next((line for line in reversed(output.splitlines()) if line.strip() and mark not in line), "no answer")
    return Flow.STUCK, f"{', '.join(tools)}: {last.strip()}"


def _by_a_channel(live: Live, port: int, stub: RegistryStub, limit: float) -> tuple[Flow, str]:
    """Back through the connection itself: needs AllowTcpForwarding yes, so it is the second choice."""
    try:
        channel = live.channel_to("127.0.0.1", port, min(limit, _SECONDS))
    except ChannelRefusedError:
        return Flow.UNTRIED, "the host opens no channel back"
    except paramiko.SSHException as error:
        return Flow.STUCK, f"a channel back: {error}"
    answer = b""
    with contextlib.closing(channel), contextlib.suppress(TimeoutError, OSError):
        channel.settimeout(min(limit, _SECONDS))
        channel.sendall(f"GET {stub.path} HTTP/1.0\r\n\r\n".encode())
        while stub.nonce.encode() not in answer and (more := channel.recv(4096)):
            answer += more
    if stub.nonce.encode() in answer:
        return Flow.THROUGH, "a channel back"
    return Flow.STUCK, "a channel back brought no answer"
