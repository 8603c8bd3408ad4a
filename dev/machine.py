"""The system packages that a task needs: installed where that may be done, else named in one message."""

from __future__ import annotations

import fcntl
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
"""Asked by packages before they start a daemon, invoke-rc.d(8)."""
REFUSE = "#!/bin/sh\n# kamal-forward-check is installing packages and wants none of their daemons\nexit 101\n"
SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
"""Programs that will do: on Ubuntu the package has another name, and is no package."""
FONTS = Path("/usr/share/fonts/truetype")


class CannotSetUp(Exception):  # noqa: N818 - it says what happened, as the product's CannotCheck does
    """Something that only the machine's owner can provide. Shown as it is, without a traceback."""


def _on_path(program: str) -> bool:
    places = (os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS)
    return shutil.which(program, path=os.pathsep.join(places)) is not None


PRESENT: Mapping[str, Callable[[], bool]] = {
    "python3-venv": lambda: importlib.util.find_spec("ensurepip") is not None,
    "openssh-server": lambda: _on_path("sshd"),
    "iproute2": lambda: _on_path("ip"),
    "dropbear-bin": lambda: _on_path("dropbear"),
    "sudo": lambda: _on_path("sudo"),
    "podman": lambda: _on_path("podman"),
    "runc": lambda: _on_path("runc"),
    "mmdebstrap": lambda: _on_path("mmdebstrap"),
    "npm": lambda: _on_path("npm"),
    "chromium": lambda: any(map(_on_path, CHROMIUMS)),
    "fonts-liberation": (FONTS / "liberation").exists,
    "fonts-noto-color-emoji": (FONTS / "noto" / "NotoColorEmoji.ttf").exists,
}
LAB = ("openssh-server", "iproute2", "dropbear-bin", "sudo") if os.geteuid() == 0 else ("openssh-server",)
"""The packages of the lab: only root can give each host a network namespace, and faults."""

CONTAINERS = ("podman", "runc", "mmdebstrap") if os.geteuid() == 0 else ()
"""The packages for the action's image and what runs in it: only root can do without an engine that was set up."""

BROWSER = ("chromium", "npm")
"""The packages for Mermaid in a page."""

PICTURES = (*BROWSER, "fonts-liberation", "fonts-noto-color-emoji")
"""The packages for pictures of a page."""


def need(*packages: str) -> None:
    """Have the Debian `packages`, keys of PRESENT, or raise CannotSetUp naming those that are missing.

    As root on Debian and Ubuntu they are installed; no daemon is started by that, now or at the next boot.
    """
    missing = [package for package in packages if not PRESENT[package]()]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CannotSetUp(f"{' and '.join(missing)} missing; for example: sudo apt-get install {' '.join(missing)}")
    say(f"installing {' '.join(missing)}")
    _install(missing)
    importlib.invalidate_caches()
    if "openssh-server" in missing:
        for disable in (["update-rc.d", "ssh", "disable"], ["systemctl", "disable", "ssh.socket"]):
            if shutil.which(disable[0]):
                _run(disable)


def want(*packages: str) -> None:
    """Have these too where they can be had. Where not, that is said, and what needs them has to do without."""
    try:
        need(*packages)
    except CannotSetUp as error:
        say(f"going on without: {error}")


def say(text: str) -> None:
    """Tell the person what takes its time. Standard output belongs to the task."""
    print(f"kamal-forward-check: {text}", file=sys.stderr, flush=True)


def _install(packages: Sequence[str]) -> None:
    # python3-venv is that of the distribution's own Python; another Python has a package of its own
    own = f"python3.{sys.version_info.minor}-venv"
    names = [own if package == "python3-venv" else package for package in packages]
    install = ["apt-get", "install", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", *names]
    fetch = [*install, "--download-only"]
    if _run(fetch).returncode != 0:
        _run(["apt-get", "update", "-qq"])
    done = _run(fetch)
    if done.returncode == 0:
        # what remains is dpkg's work alone, short enough to hold signals back for
        with signals_held(), starts_refused():
            done = _run([*install, "--no-download"])
    if done.returncode != 0:
        raise CannotSetUp(f"apt-get install {' '.join(names)}: {done.stderr.strip()}")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(  # noqa: S603 - our own fixed commands
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time, by a lock on `folder` that ends with its holder, however that ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back, from children too: an interrupted dpkg leaves the machine in pieces."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def starts_refused(policy: Path = POLICY) -> Iterator[None]:
    """A policy under which packages start no daemon. The machine's own is put back."""
    aside = policy.with_name(f"{policy.name}.before-kamal-forward-check")
    with alone(policy.parent):
        if policy.exists() and policy.read_text() != REFUSE:
            policy.rename(aside)  # else it is ours, of a run that was killed
        policy.write_text(REFUSE)
        policy.chmod(0o755)
        try:
            yield
        finally:
            policy.unlink()
            if aside.exists():
                aside.rename(policy)
