"""The action's image, built from the Dockerfile by podman or Docker.

The base image is a stand-in made of this distribution's own packages, under the name that the Dockerfile gives: the
image can be built, and run as GitHub's runner would, where no registry can be reached.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dev.environment import ROOT, run
from dev.machine import CannotSetUp, alone, say

IMAGE = "localhost/kamal-forward-check"
MEGABYTES = 120
"""How much larger than its base the image may be, uncompressed."""

STATE = ROOT / ".containers"
"""What podman stores, and what the stand-in was made of."""

_SOURCES = [Path("/etc/apt", name) for name in ("sources.list.d/debian.sources", "sources.list.d/ubuntu.sources")]
_CERTIFICATES = [Path("/etc/ssl/certs/ca-certificates.crt")]
"""Whom the machine trusts, the stand-in has to: what the build fetches may come through a proxy."""
_CONFIG = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=32768:32768"]
"""
"""podman without systemd and without the right to raise limits; crun refuses machines with both kinds of cgroups."""

_RECIPE = (
    *("mmdebstrap", "--quiet", "--mode=root", "--variant=apt"),
    "--include=usr-is-merged,python3,python3-venv,ca-certificates",  # the first saves Perl, which usrmerge needs
    *(f"--dpkgopt=path-exclude=/usr/share/{unread}/*" for unread in ("man", "doc", "locale")),
)


@dataclass(frozen=True)
class Engine:
    """What builds and runs containers: the start of its command lines, and options of its builds."""

    command: tuple[str, ...]
    build: tuple[str, ...] = ()

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of its commands, and hear what it says."""
        return subprocess.run([*self.command, *words], capture_output=True, text=True, check=False)  # noqa: S603

    def megabytes(self, image: str) -> float:
        """An image's size with its base, uncompressed."""
        return int(self("image", "inspect", "--format", "{{.Size}}", image).stdout) / 1e6


def engine(name: str = "podman") -> Engine:
    """The engine of this name: podman with a storage in this checkout, or the machine's own Docker."""
    if name == "docker":
        return Engine(("docker",))
    if name != "podman":
        raise CannotSetUp(f"no engine is called {name}; use podman or docker")
    STATE.mkdir(exist_ok=True)
    config = STATE / "containers.conf"
    config.write_text(_CONFIG)
    # podman takes no more than 50 characters for the folder of what runs
    runs = f"/run/kamal-forward-check-{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
    command = ("env", f"CONTAINERS_CONF={config}", "podman", "--root", str(STATE / "storage"), "--runroot", runs)
    return Engine(command, ("--pull=never", "--isolation=chroot"))


def build(name: str = "podman") -> str:
    """Build the image, as far as its parts are not there yet, and give its name. Raises CannotSetUp.

    Docker fetches the real base image; podman is given the stand-in.
    """
    builder = prepared(name)
    run(*builder.command, "build", "--quiet", *builder.build, "--tag", IMAGE, ROOT)
    return IMAGE


def prepared(name: str) -> Engine:
    """The engine of this name, which for podman has the stand-in. Raises CannotSetUp."""
    builder = engine(name)
    if name == "podman":
        with alone(ROOT):
            _stand_in(builder)
    return builder


def base() -> str:
    """The base image's name in the Dockerfile."""
    return (ROOT / "Dockerfile").read_text().split()[1]


def _stand_in(builder: Engine) -> None:
    """Store the stand-in, unless it is there and made as it would be now."""
    system = platform.freedesktop_os_release()
    name = f"docker.io/library/{base()}"
    recipe = hashlib.sha256(f"{system['PRETTY_NAME']} {_RECIPE}".encode()).hexdigest()
    if builder("image", "inspect", "--format", "{{.Config.Labels.recipe}}", name).stdout.strip() == recipe:
        return
    sources = next((path for path in _SOURCES if path.exists()), None)
    if sources is None:
        raise CannotSetUp("the stand-in for the base image is made from Debian's or Ubuntu's packages only")
    say("making a stand-in for the base image (about a minute, this once)")
    trusted = (f"--customize-hook=upload {path} {path}" for path in _CERTIFICATES if path.exists())
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        archive = f"{folder}/base.tar"
        run(*_RECIPE, *trusted, system["VERSION_CODENAME"], archive, sources)
        run(*builder.command, "import", "--quiet", "--change", f"LABEL recipe={recipe}", archive, name)


def measure(name: str) -> int:
    """Say how large the image is beyond its base and how soon it speaks; 1 where it is larger than it may be."""
    builder = engine(name)
    beyond = builder.megabytes(IMAGE) - builder.megabytes(base())
    start = time.monotonic()
    builder("run", "--rm", "--network=none", IMAGE)
    took = time.monotonic() - start
    say(f"{IMAGE}: {beyond:.0f} MB beyond its base, of {MEGABYTES} that it may have")
    say(f"where there is nothing to check, it has said so and is gone after {took:.1f} s")
    return int(beyond > MEGABYTES)
