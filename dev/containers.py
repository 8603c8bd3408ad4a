"""The action's image, built from the Dockerfile by podman or Docker.

For podman, and for Docker where no registry can be reached, the base image is a stand-in made of this distribution's
own packages, under the name that the Dockerfile gives: the image can be built, and run as GitHub's runner would.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.environment import ROOT, run
from dev.machine import CannotSetUp, alone, need, say

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

_MIRROR = (
    *("timeout", "120", "apt-get", "-qq", "update", "--error-on=any", "-oAcquire::http::Pipeline-Depth=0"),
    *(f"-oAcquire::IndexTargets::deb::{target}::DefaultEnabled=false" for target in ("Packages", "Translations")),
)
_INDEX = (
    *("timeout", "120", sys.executable, "-I", "-m", "pip", "-q", "--retries", "0"),
    *("install", "--no-cache-dir", "--dry-run", "--ignore-installed", "--no-deps", "fabric"),
)
"""What asks for a little of each kind that the image is made of, and fails where that can't be fetched."""


class OutOfReach(CannotSetUp):
    """What an image is made of can't be fetched here: the image itself may be in order."""


@dataclass(frozen=True)
class Engine:
    """What builds and runs containers: the start of its command lines, and options of its builds."""

    command: tuple[str, ...]
    build: tuple[str, ...] = ()
    pulls: bool = False
    """Whether it is asked for the real base image."""

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of its commands, and hear what it says."""
        return subprocess.run([*self.command, *words], capture_output=True, text=True, check=False)  # noqa: S603

    def megabytes(self, image: str) -> float:
        """An image's size with its base, uncompressed."""
        return int(self("image", "inspect", "--format", "{{.Size}}", image).stdout) / 1e6


def engine(name: str = "podman") -> Engine:
    """The engine of this name: podman with a storage in this checkout, or the machine's own Docker."""
    if name == "docker":
        if not shutil.which("docker"):
            raise CannotSetUp("docker is not installed; give its client and a running daemon, or use podman")
        return Engine(("docker",), ("--force-rm",), pulls=True)
    if name != "podman":
        raise CannotSetUp(f"no engine is called {name}; use podman or docker")
    STATE.mkdir(exist_ok=True)
    config = STATE / "containers.conf"
    config.write_text(_CONFIG)
    # podman takes no more than 50 characters for the folder of what runs
    runs = f"/run/kamal-forward-check-{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
    command = ("env", f"CONTAINERS_CONF={config}", "podman", "--root", str(STATE / "storage"), "--runroot", runs)
    return Engine(command, ("--pull=never", "--isolation=chroot"))


def build(name: str = "podman", folder: Path = ROOT) -> str:
    """Build the image from `folder`, as far as its parts are not there yet, and give its name.

    Raises OutOfReach where what it is made of can't be fetched, else CannotSetUp where it can't be built.
    """
    builder = prepared(name)
    with _asking((*builder.command, "run", "--rm", "--network=host", base(), *_MIRROR), _INDEX):
        run(*builder.command, "build", "--quiet", *builder.build, "--tag", IMAGE, folder)
    return IMAGE


def prepared(name: str) -> Engine:
    """The engine of this name, which has the base image, or the stand-in. Raises OutOfReach and CannotSetUp."""
    builder = engine(name)
    with alone(ROOT):
        _base(builder)
    return builder


def base() -> str:
    """The base image's name in the Dockerfile."""
    return (ROOT / "Dockerfile").read_text().split()[1]


@contextmanager
def _asking(*commands: Sequence[str]) -> Iterator[None]:
    """What fails inside is OutOfReach where one of the commands, which ask for the same parts, fails as well."""
    try:
        yield
    except CannotSetUp as error:
        for command in commands:
            asked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
            if asked.returncode != 0:
                errors = (line for line in asked.stderr.splitlines() if line.startswith("E"))  # of apt-get and of pip
                why = next(errors, "nothing came within two minutes")
                raise OutOfReach(f"what the image is made of can't be fetched: {why}") from error
        raise


def _base(builder: Engine) -> None:
    """Have the base image, or a stand-in made as it would be now. A real one is never replaced."""
    system = platform.freedesktop_os_release()
    name = f"docker.io/library/{base()}"
    recipe = hashlib.sha256(f"{system['PRETTY_NAME']} {_RECIPE}".encode()).hexdigest()
    there = builder("image", "inspect", "--format", "{{json .Config.Labels}}", name)
    if recipe in there.stdout:
        return
    real = there.returncode == 0 and '"recipe"' not in there.stdout
    if real or (builder.pulls and builder("pull", "--quiet", name).returncode == 0):
        return
    _import_stand_in(builder, name, recipe, system["VERSION_CODENAME"])


def _import_stand_in(builder: Engine, name: str, recipe: str, suite: str) -> None:
    sources = next((str(path) for path in _SOURCES if path.exists()), None)
    if sources is None:
        raise CannotSetUp("the stand-in for the base image is made from Debian's or Ubuntu's packages only")
    need("mmdebstrap")
    say(f"making a stand-in for the base image {name} (about a minute, this once)")
    trusted = (f"--customize-hook=upload {path} {path}" for path in _CERTIFICATES if path.exists())
    STATE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        archive = f"{folder}/base.tar"
        only = (f"Etc::SourceList={sources}", "Etc::SourceParts=/dev/null", f"State::Lists={folder}")
        with _asking((*_MIRROR, "-oAPT::Sandbox::User=root", *(f"-oDir::{option}" for option in only))):
            run(*_RECIPE, *trusted, suite, archive, sources)
        run(*builder.command, "import", "--change", f"LABEL recipe={recipe}", archive, name)


def beyond(builder: Engine) -> float:
    """How many megabytes larger than its base the image is, uncompressed."""
    return builder.megabytes(IMAGE) - builder.megabytes(base())


def measure(name: str) -> int:
    """Say how large the image is beyond its base and how soon it speaks; 1 where it is larger than it may be."""
    builder = engine(name)
    larger = beyond(builder)
    start = time.monotonic()
    builder("run", "--rm", "--network=none", IMAGE)
    took = time.monotonic() - start
    say(f"{IMAGE}: {larger:.0f} MB beyond its base, of {MEGABYTES} that it may have")
    say(f"where there is nothing to check, it has said so and is gone after {took:.1f} s")
    return int(larger > MEGABYTES)
