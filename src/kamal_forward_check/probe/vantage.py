"""What a failure can't prove, because this place does not see what Kamal's machine sees."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from kamal_forward_check.model import Cause, Client, Hop, Vantage

_RUN_STEP = "a `run:` step on the runner itself sees what Kamal sees: kamal-forward-check check --format github"


def unseen(vantage: Vantage, hop: Hop, cause: Cause, detail: str, *, first: bool, lacks: str = "") -> str:
    """Why `cause` at `hop` says nothing about Kamal's own way, or an empty text where it does.

    `first` marks the hop that is dialled from here. `lacks` is what a command that leads there lacks and Kamal's has.
    """
    if cause is Cause.NO_COMMON_ALGORITHM:
        return "our SSH library and this server share no algorithm; Kamal's client may"
    if cause is Cause.NOT_SEEN_FROM_HERE:
        return "known_hosts trusts a certificate authority for it, and our SSH library can't ask for its certificate"
    if cause is Cause.UNSIGNED and hop.dialled_by is Client.OPENSSH:
        return f"{detail}; ssh may know another way to use the key"
    if cause is Cause.NO_KEY:
        return f"{detail}; give a key with --identity (ssh-private-key in the action)"
    if hop.keys.missing and cause in (Cause.LOGIN_REFUSED, Cause.TOO_MANY_FAILURES):
        return f"{hop.keys.missing}; give the key with --identity (ssh-private-key in the action)"
    if cause is Cause.PROXY_COMMAND and lacks:
        return f"{_said(detail)}; {lacks}"
    if vantage is not Vantage.CONTAINER:
        return ""
    reason = _hidden_in_container(hop, cause, detail, first=first)
    return f"{reason}; {_RUN_STEP}" if reason else ""


def _hidden_in_container(hop: Hop, cause: Cause, detail: str, *, first: bool) -> str:
    if cause is Cause.HOST_KEY_UNKNOWN and not hop.host_key_rule.lines:
        return "the container has no known_hosts for it: give ssh-known-hosts"
    if first and cause is Cause.NAME_UNKNOWN:
        return "the container can't resolve its name (a VPN's names, the runner's hosts file)"
    if first and _is_loopback(hop.address):
        return "the container's localhost is not the runner's"
    if cause is Cause.PROXY_COMMAND:
        return f"{_said(detail)}; {_missed_by_command(hop, detail)}"
    if cause is Cause.LOGIN_REFUSED and hop.keys.agent and not Path(hop.keys.agent).exists():
        return "the agent's socket is not in the container: give ssh-private-key"
    return ""


def _said(detail: str) -> str:
    return f"the proxy command did not come through ({detail.splitlines()[-1] if detail else 'without a word'})"


def _missed_by_command(hop: Hop, detail: str) -> str:
    """What a command may have missed in a container."""
    if "Host key verification failed" in detail and not hop.host_key_rule.lines:
        return "the container has no known_hosts for where it logs in: give ssh-known-hosts"
    if "Permission denied (" in detail and not hop.keys.identities:
        return "the container has no key for where it logs in: give ssh-private-key"
    return "it may need what only the runner has"


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"
