"""How a fault is declared, and found by its name.

A fault edits the Host that it is for. `stops` says on which role it stops Kamal's forward: the same line may be
harmless on a jump and fatal on a target, and some are set-ups that must not be called a failure at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.host import File, Host

JUMP, TARGET = "jump", "target"
BOTH, NEITHER = (JUMP, TARGET), ()


@dataclass(frozen=True)
class Fault:
    """A fault: `apply` edits a host that is not started yet. `needs` are programs that not every machine has."""

    name: str
    about: str
    stops: tuple[str, ...]
    apply: Callable[[Host], None]
    needs: tuple[str, ...] = ()


ALL: dict[str, Fault] = {}


def named(name: str) -> Fault:
    """The fault of this name. Raises KeyError with the names there are."""
    if name not in ALL:
        raise KeyError(f"no fault {name!r}; there are: {', '.join(sorted(ALL))}")
    return ALL[name]


def fault(
    name: str, stops: tuple[str, ...], needs: tuple[str, ...] = ()
) -> Callable[[Callable[[Host], None]], Callable[[Host], None]]:
    """Declare the decorated function as a fault; its docstring says what it is about."""

    def declare(apply: Callable[[Host], None]) -> Callable[[Host], None]:
        ALL[name] = Fault(name, (apply.__doc__ or "").strip(), stops, apply, needs)
        return apply

    return declare


def line(name: str, stops: tuple[str, ...], *lines: str) -> None:
    """A fault that is lines of the main file."""
    about = f"sshd_config says {' and '.join(text.strip() for text in lines)}"
    ALL[name] = Fault(name, about, stops, lambda host: host.main.extend(lines))


def block(name: str, stops: tuple[str, ...], *lines: str) -> None:
    """A fault that is Match blocks at the main file's end, while the rest of it allows everything."""

    def apply(host: Host) -> None:
        host.main.append("AllowTcpForwarding yes")
        host.blocks += [text.format(login=host.login) for text in lines]

    about = f"sshd_config says AllowTcpForwarding yes, then {' / '.join(text.strip() for text in lines)}"
    ALL[name] = Fault(name, about, stops, apply)


def files(name: str, stops: tuple[str, ...], texts: dict[str, str], *lines: str) -> None:
    """A fault that is files of the host's own, by path, beside lines of the main file."""

    def apply(host: Host) -> None:
        host.files.update({path: File(text) for path, text in texts.items()})
        host.main.extend(lines)

    said = [*(f"{path} says {' / '.join(text.splitlines())}" for path, text in texts.items())]
    said += [f"sshd_config says {text}" for text in lines]
    ALL[name] = Fault(name, "; ".join(said), stops, apply)


def key(name: str, stops: tuple[str, ...], options: str) -> None:
    """A fault that is options of the login's key."""
    ALL[name] = Fault(name, f"the key's line in authorized_keys says {options}", stops,
                      lambda host: setattr(host, "key_options", options))  # fmt: skip
