"""The system packages that a task needs: installed where that may be done, else named in one message."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
ASIDE = POLICY.with_name("policy-rc.d.before-kamal-forward-check")
REFUSE = 101  # invoke-rc.d(8): "action forbidden by policy"


class CannotSetUp(Exception):  # noqa: N818 - it says what happened, as the product's CannotCheck does
    """Something that only the machine's owner can provide. Shown as it is, without a traceback."""


def _on_path(program: str) -> bool:
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return shutil.which(program, path=places) is not None


PRESENT: Mapping[str, Callable[[], bool]] = {
    "python3-venv": lambda: importlib.util.find_spec("ensurepip") is not None,
    "openssh-server": lambda: _on_path("sshd"),
    "iproute2": lambda: _on_path("ip"),
}
LAB = ("openssh-server", "iproute2") if os.geteuid() == 0 else ("openssh-server",)
"""The packages of the lab: only root can give each host a network namespace."""


def need(*packages: str) -> None:
    """Have the Debian `packages`, keys of PRESENT, or raise CannotSetUp naming those that are missing.

    As root on Debian and Ubuntu they are installed; no daemon is started by that, now or at the next boot.
    """
    missing = [package for package in packages if not PRESENT[package]()]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        names = " ".join(missing)
        raise CannotSetUp(f"{names} missing; install it, for example: sudo apt-get install {names}")
    say(f"installing {' '.join(missing)}")
    _install(missing)
    importlib.invalidate_caches()
    if "openssh-server" in missing and shutil.which("systemctl"):
        _quietly(["systemctl", "disable", "ssh.service", "ssh.socket"])


def say(text: str) -> None:
    """Tell the person what takes its time. Standard output belongs to the task."""
    print(f"kamal-forward-check: {text}", file=sys.stderr, flush=True)


def _install(packages: Sequence[str]) -> None:
    # python3-venv is that of the distribution's own Python; another Python has a package of its own
    own = f"python3.{sys.version_info.minor}-venv"
    install = ["apt-get", "install", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
    install += [own if package == "python3-venv" else package for package in packages]
    if _quietly([*install, "--download-only"]) != 0:
        _quietly(["apt-get", "update", "-qq"])
    # what remains is dpkg's work alone, short enough to hold signals back for
    if _quietly([*install, "--download-only"]) != 0 or _with_no_daemon([*install, "--no-download"]) != 0:
        raise CannotSetUp(f"apt-get cannot install {' '.join(packages)}; try it by hand: {' '.join(install)}")


def _quietly(command: Sequence[str]) -> int:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = subprocess.DEVNULL
    return subprocess.run(command, env=environ, stdin=quiet, stdout=quiet, stderr=quiet, check=False).returncode  # noqa: S603


def _with_no_daemon(command: Sequence[str]) -> int:
    with _signals_held(), _starts_refused():
        return _quietly(command)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back, from children too: an interrupted dpkg leaves the machine in pieces."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _starts_refused() -> Iterator[None]:
    """A policy under which packages start no daemon; the machine's own policy is put back after it."""
    if POLICY.exists() and not ASIDE.exists():
        POLICY.rename(ASIDE)
    POLICY.write_text(f"#!/bin/sh\nexit {REFUSE}\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
        if ASIDE.exists():
            ASIDE.rename(POLICY)
