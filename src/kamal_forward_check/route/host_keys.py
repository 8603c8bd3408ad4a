"""Which files a client looks a host's key up in, under which names, and what it does with one that is not there."""

from __future__ import annotations

from kamal_forward_check.model import DEFAULT_PORT, HostKeyRule
from kamal_forward_check.route.net_ssh_config import NetSshConfig
from kamal_forward_check.route.openssh import Answer
from kamal_forward_check.settings import Settings

_SYSTEM = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_USER = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_OFF = ("no", "false", "off")


def for_jump(answer: Answer, settings: Settings) -> HostKeyRule:
    """As ssh: an unknown key stops, since Kamal leaves ssh nobody to ask (OpenSSH's sshconnect.c)."""
    strict = answer.one("stricthostkeychecking", "ask")
    host, port = answer.one("hostname"), int(answer.one("port"))
    alias = answer.one("hostkeyalias")
    unchecked = strict in _OFF or (answer.is_on("nohostauthenticationforlocalhost") and _is_loopback(host))
    with_port = not alias and port != DEFAULT_PORT
    return HostKeyRule(
        names=(alias or _name(host, port),),
        files=_files(
            settings, tuple(answer.one("userknownhostsfile").split()), answer.one("globalknownhostsfile").split()
        ),
        accept_unknown=unchecked or strict == "accept-new",
        accept_changed=unchecked,
        lines=settings.known_hosts,
        also=(host,) if with_port else (),
    )


def for_target(read: NetSshConfig, address: str, port: int, settings: Settings, *, direct: bool) -> HostKeyRule:
    """As net-ssh: an unknown key is accepted, and a tunnel's end on this machine is not asked at all."""
    given = read.given("stricthostkeychecking")
    strict = given.value.strip().lower() if given else ""
    alias = read.given("hostkeyalias")
    tunnel = direct and port != DEFAULT_PORT and address in ("127.0.0.1", "::1") and strict not in ("yes", "accept-new")
    user, of_system = read.given("userknownhostsfile"), read.given("globalknownhostsfile")
    return HostKeyRule(
        names=(alias.value if alias else _name(address, port),),
        files=_files(settings, (user.value,) if user else _USER, [of_system.value] if of_system else list(_SYSTEM)),
        accept_unknown=strict != "yes",
        accept_changed=tunnel or strict == "no",
        lines=settings.known_hosts,
    )


def _name(host: str, port: int) -> str:
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


def _files(settings: Settings, user: tuple[str, ...], of_system: list[str]) -> tuple[str, ...]:
    """--known-hosts stands in for the user's own file."""
    return ((settings.known_hosts_file,) if settings.known_hosts_file else user) + tuple(of_system)


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
