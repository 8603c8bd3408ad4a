"""Without root there is still a bastion and a granted target: unprivileged sshd's on 127.0.0.x."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab import Lab, can_isolate
from lab.host import accounts
from lab.isolated import put
from lab.lab import LabError

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import getpass
from lab import Lab
with Lab() as lab:
    assert not lab.isolated
    jump, target = lab.host("bastion", "front", "back"), lab.host("web-1")
    lab.start()
    home, me = lab.home(agent=True), getpass.getuser()
    options = ["-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={home.known_hosts}", "-F", "none"]
    jump_to = [*options, "-i", str(home.key), "-p", str(jump.port), f"{me}@127.0.0.2"]
    went = lab.run(["ssh", *jump_to, "-W", f"{target.address['back']}:{target.port}"], home, limit=10)
    assert went.stdout.startswith("SSH-2.0-OpenSSH"), went
    forward = ["-o", "ExitOnForwardFailure=yes", "-R", "127.0.0.1:0:127.0.0.1:9", "-i", str(home.key)]
    unpinned = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-v"]
    to_target = ["-F", "none", *unpinned, *forward, "-p", str(target.port), f"{me}@{target.address['back']}"]
    went = lab.run(["ssh", *to_target, "true"], home, limit=10)
    assert "remote forward success" in went.stderr, went
print(lab.folder)
"""


@pytest.mark.skipif(os.geteuid() == 0 and can_isolate() != "", reason="root, but without namespaces: no one to be")
def test_a_lab_without_root() -> None:
    # A folder that any user can read, which neither the checkout nor pytest's own folder has to be.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(ROOT / "lab", folder / "lab", ignore=shutil.ignore_patterns("__pycache__"))
        command = [*_as_deploy(folder), "-c", SCRIPT] if os.geteuid() == 0 else [sys.executable, "-c", SCRIPT]
        environ = {"PATH": os.environ["PATH"], "TMPDIR": "/tmp"}  # noqa: S108 - the system's
        ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert not Path(ran.stdout.strip()).exists()


def _as_deploy(folder: Path) -> list[str]:
    """The start of a command line that runs Python as the lab's user `deploy`, who is known to that process alone."""
    files = accounts({})
    put(folder, files)
    bind = "".join(f"mount --bind {folder}{path} {path}; " for path in files) + 'exec setpriv "$@"'
    own_mounts = ["unshare", "--mount", "sh", "-ec", bind, "sh", "--reuid=deploy", "--regid=deploy", "--clear-groups"]
    for python in (sys.executable, "/usr/bin/python3"):
        tried = [*own_mounts, python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return [*own_mounts, python]
    pytest.skip("no Python that another user than root can run")


def test_a_lab_that_is_to_be_reached_says_why_it_can_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.lab.can_isolate", lambda: "network namespaces need root")
    with pytest.raises(LabError, match="no lab can be reached from here: network namespaces need root"):
        Lab(reachable=True)
