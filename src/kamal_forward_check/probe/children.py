"""The commands that a walk starts: all get one environment, and all end with the walk.

The keys that are given for a check stand for those in the deploying machine's agent. A command that logs in, such as
`ssh -W`, looks for them there: it is given an agent that has them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kamal_forward_check.model import Given
from kamal_forward_check.probe.dial import CommandSocket, close_all
from kamal_forward_check.probe.keys import KeyRing, named
from kamal_forward_check.system import System, is_runners

if TYPE_CHECKING:
    import paramiko

    from kamal_forward_check.probe.private_agent import PrivateAgent

_AGENT = "SSH_AUTH_SOCK"


@dataclass(slots=True)
class Children:
    """What one walk starts. The agent is made for the first command, and where there are keys to hold."""

    system: System
    ring: KeyRing
    given: tuple[Given[str], ...] = ()
    without_agent: str = ""
    """Why the commands do without the given keys; empty where they have them."""
    _agent: PrivateAgent | None = None
    _started: list[CommandSocket] = field(default_factory=list)
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, command: str, without: Iterable[str] = (), more: Mapping[str, str] | None = None) -> CommandSocket:
        """Start a shell's command, its environment changed by these. Raises ConnectionAbortedError once all is over."""
        with self._lock:
            if self._over:
                raise ConnectionAbortedError("the walk is over")
            environ = self.system.child_environ | self._agent_of_ours()
            environ = {name: value for name, value in environ.items() if name not in without} | dict(more or {})
            child = CommandSocket(command, environ)
            self._started.append(child)
        return child

    @property
    def lacks(self) -> str:
        """What the commands of Kamal's machine may have, and those that are started here have not."""
        names = sorted(name for name in self.system.withheld if not is_runners(name))
        kept = f"no command is given {', '.join(names)} here" if names else ""
        return "; ".join(filter(None, (self.without_agent, kept)))

    def _agent_of_ours(self) -> dict[str, str]:
        keys = {} if self._agent or self.without_agent else self._keys()
        if keys:
            from kamal_forward_check.probe.private_agent import PrivateAgent

            try:
                self._agent = PrivateAgent(keys, self.system.environ.get(_AGENT))
            except OSError as error:  # no room in the temporary folder, or a name that is too long for a socket
                self.without_agent = f"no agent could be made that has the given keys: {error.strerror or error}"
        return {_AGENT: str(self._agent.path)} if self._agent else {}

    def _keys(self) -> dict[str, list[paramiko.PKey]]:
        return {named(given): keys for given in self.given if (keys := self.ring.keys(given))}

    def close(self) -> None:
        """End every command, and the agent. None can be started any more."""
        with self._lock:
            self._over = True
            close_all(self._started)
            if self._agent:
                self._agent.close()
