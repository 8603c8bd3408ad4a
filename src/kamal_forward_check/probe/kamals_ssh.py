"""The very ssh that Kamal calls for its jumps, where our SSH library can't tell how it would fare.

It is given the configuration that Kamal's would have, below a few lines of ours: it asks nobody, leaves no connection
behind, and writes into no file of the user's. Those lines stand in a file, not in `-o`: the ssh that ssh calls for its
own `-J` is given the file too, and no option.
"""

from __future__ import annotations

import glob
import shlex
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kamal_forward_check.model import Given, Hop, Route
from kamal_forward_check.probe.children import Children
from kamal_forward_check.probe.dial import CommandSocket
from kamal_forward_check.probe.keys import is_text

_OURS = """\
Host *
  BatchMode yes
  LogLevel VERBOSE
  ControlMaster no
  UpdateHostKeys no
  AddKeysToAgent no
  PermitLocalCommand no
  ClearAllForwardings yes
  Tunnel no
"""
"""First value wins. VERBOSE tells each login (`Authenticated to`), and by that how far it came. A connection that is
shared already (ControlPath) is used, as Kamal's ssh would use it, and none is set up. -W clears other forwards unless
a file says that it is not to: a RemoteForward would open a socket of this machine, as Docker's, to the jump."""

_USUAL = ("~/.ssh/config", "/etc/ssh/ssh_config")
_ASKS = ("SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY")


@dataclass(slots=True)
class KamalsSsh:
    """The system's ssh, called as Kamal calls it. Its files are gone once it is closed."""

    children: Children
    _folder: Path | None = None
    _files: dict[tuple[str, tuple[Hop, ...]], Path] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_here(self) -> bool:
        """There is an ssh to call."""
        return bool(shutil.which("ssh", path=self.children.system.child_environ.get("PATH")))

    def start(self, route: Route) -> CommandSocket:
        """The route's ssh, whose stdin and stdout lead to its target."""
        words = list(route.ssh)
        config = ""
        if "-F" in words:
            at = words.index("-F")
            config = words[at + 1]
            del words[at : at + 2]
        with self._lock:
            file = self._file(config, route.jumps)
        command = shlex.join([words[0], "-F", str(file), *words[1:]])
        return self.children.start(command, _ASKS, {"SSH_ASKPASS_REQUIRE": "never"})

    def _file(self, config: str, jumps: tuple[Hop, ...]) -> Path:
        if (config, jumps) not in self._files:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="kamal-forward-check-"))
            file = self._folder / f"config-{len(self._files)}"
            own = (line for number, jump in enumerate(jumps) for line in self._lines(file, number, jump))
            usual = [glob.escape(config)] if config else _USUAL  # Include takes patterns, -F a name
            includes = (f"  Include {_quoted(name)}" for name in usual if name != "none")
            file.write_text("\n".join((_OURS, *own, "Host *", *includes, "")), encoding="utf-8")
            self._files[config, jumps] = file
        return self._files[config, jumps]

    def _lines(self, file: Path, number: int, jump: Hop) -> Iterator[str]:
        """A jump's own lines: a copy of its known_hosts, since ssh writes there what it accepts, and given keys."""
        rule, keys, system = jump.host_key_rule, jump.keys, self.children.system
        texts = [rule.lines, *(system.read_text(system.path(name)) or "" for name in rule.files)]
        copy = file.with_name(f"{file.name}-known_hosts-{number}")
        copy.write_text("".join(f"{line}\n" for text in texts for line in text.splitlines()), encoding="utf-8")
        yield f"Host {_quoted(jump.host.value)}"
        yield f"  UserKnownHostsFile {_quoted(str(copy))}"
        given = [name for key in keys.identities for name in self._names(file, key)]
        # With one named, ssh passes its own defaults over.
        for name in (*given, *(key.value for key in keys.files)) if given else ():
            yield f"  IdentityFile {_quoted(str(system.path(name)))}"

    def _names(self, file: Path, key: Given[str]) -> Iterator[str]:
        """What ssh calls a given key: its file, or for one that came as text a name whose public half alone is there.

        So it offers the key also where IdentitiesOnly keeps it from others of the agent.
        """
        if not is_text(key):
            yield key.value
            return
        for number, each in enumerate(self.children.ring.keys(key)):
            name = file.with_name(f"given-{number}")
            line = f"{each.get_name()} {each.get_base64()}\n"
            name.with_suffix(".pub").write_text(line, encoding="ascii")
            yield str(name)

    def close(self) -> None:
        """Take the files away."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _quoted(text: str) -> str:
    return f'"{text}"'
