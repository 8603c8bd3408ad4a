"""The lab is what it says: hosts that are apart from each other, with the faults they were given, and nothing left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from lab import Home, Lab
from lab.host import NETWORKS

pytestmark = pytest.mark.isolated

CAREFUL = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=60")
UNPINNED = (*CAREFUL, "-o", "StrictHostKeyChecking=accept-new")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        lab.host("bastion", "front", "back", login="ops")
        lab.host("inner-bastion", "back", "inner", login="ops")
        lab.host("web-1", login="deploy")
        lab.host("deep", "inner")
        lab.host("refuses", faults=["allow-tcp-forwarding-no-dropin"])
        lab.start()
        yield lab


@pytest.fixture(scope="module")
def home(lab: Lab) -> Home:
    return lab.home()


def test_a_target_is_reached_through_the_bastion(lab: Lab, home: Home) -> None:
    went = lab.run(["ssh", *UNPINNED, "-J", "ops@bastion", "deploy@web-1", "id -un; uname -n"], home)
    assert went.stdout.split() == ["deploy", "web-1"], went.stderr


def test_a_target_is_not_reached_without_the_bastion(lab: Lab, home: Home) -> None:
    address = lab.hosts["web-1"].address["back"]
    went = lab.run(["ssh", *UNPINNED, f"deploy@{address}", "true"], home)
    assert (went.returncode, "Network is unreachable" in went.stderr) == (255, True)


def test_a_name_is_known_only_where_it_can_be_reached(lab: Lab, home: Home) -> None:
    went = lab.run(["ssh", *UNPINNED, "deploy@web-1", "true"], home)
    assert "Name or service not known" in went.stderr


def test_a_bastion_can_stand_behind_a_bastion(lab: Lab, home: Home) -> None:
    went = lab.run(["ssh", *UNPINNED, "-J", "ops@bastion,ops@inner-bastion", "root@deep", "uname -n"], home)
    assert went.stdout == "deep\n", went.stderr


def test_nothing_has_a_way_out(lab: Lab, home: Home) -> None:
    assert lab.run(["ip", "route", "show", "default"], home).stdout == ""
    assert lab.on("bastion", ["ip", "route", "show", "default"]).stdout == ""
    assert lab.on("bastion", ["cat", "/proc/sys/net/ipv4/ip_forward"]).stdout == "0\n"


def test_a_host_sees_itself_alone(lab: Lab) -> None:
    daemons = lab.on("web-1", ["sh", "-c", "ps -eo args | grep -c '[s]shd: .*listener'"])
    assert daemons.stdout == "1\n"
    listening = lab.on("web-1", ["ss", "-ltnH"]).stdout
    assert {line.split()[3].rpartition(":")[2] for line in listening.splitlines()} == {"22"}


def test_a_hosts_users_and_files_are_its_own(lab: Lab) -> None:
    assert lab.on("web-1", ["getent", "passwd", "deploy"]).stdout.startswith("deploy:x:1001:1001::/home/deploy:")
    assert lab.on("web-1", ["touch", "/home/deploy/mark", "/tmp/mark", "/run/mark"]).returncode == 0  # noqa: S108
    assert lab.on("refuses", ["ls", "/home/deploy", "/tmp", "/run"]).stdout.count("mark") == 0  # noqa: S108
    assert lab.on("refuses", ["sshd", "-T"]).stdout.count("allowtcpforwarding no") == 1
    assert lab.on("web-1", ["sshd", "-T"]).stdout.count("allowtcpforwarding yes") == 1


@pytest.mark.parametrize(("host", "granted"), [("web-1", True), ("refuses", False)])
def test_a_fault_is_a_fault(lab: Lab, home: Home, host: str, granted: bool) -> None:  # noqa: FBT001
    forward = ["-o", "ExitOnForwardFailure=yes", "-R", "127.0.0.1:5555:127.0.0.1:9"]
    went = lab.run(["ssh", *UNPINNED, "-J", "ops@bastion", *forward, f"root@{host}", "true"], home)
    assert (went.returncode == 0) is granted, went.stderr


def test_a_log_can_be_read(lab: Lab, home: Home) -> None:
    lab.run(["ssh", *CAREFUL, "ops@bastion", "true"], home)
    assert "Accepted publickey for ops" in lab.log("bastion")


def test_an_agent_stands_in_for_key_files(lab: Lab) -> None:
    without, with_agent = lab.home(keys=False), lab.home(keys=False, agent=True)
    assert lab.run(["ssh", *CAREFUL, "ops@bastion", "true"], without).returncode == 255
    assert lab.run(["ssh", *CAREFUL, "ops@bastion", "true"], with_agent).returncode == 0


def test_a_run_that_takes_too_long_is_killed_with_all_its_children(lab: Lab, home: Home) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        lab.run(["sh", "-c", "sleep 600.25 & wait"], home, limit=0.5)
    assert lab.run(["pgrep", "-f", "sleep 600.25"], home).stdout == ""


def test_two_labs_run_at_once_with_the_same_names_and_addresses() -> None:
    with Lab() as one, Lab() as two:
        for lab in (one, two):
            lab.host("bastion", "front")
            lab.start()
        assert one.hosts["bastion"].address == two.hosts["bastion"].address == {"front": f"{NETWORKS['front']}.11"}
        one.on("bastion", ["touch", "/root/one"])
        assert two.on("bastion", ["test", "-e", "/root/one"]).returncode == 1


def test_fifty_hosts_run_at_once() -> None:
    with Lab() as lab:
        for number in range(50):
            lab.host(f"web-{number}")
        lab.start()
        assert lab.on("web-49", ["uname", "-n"]).stdout == "web-49\n"


HELD = """
import sys
from lab import Lab
lab = Lab()
lab.host("bastion", "front", "back")
lab.host("web-1", faults=["port-in-use", "nologin"])
lab.start()
lab.registry()
lab.home(agent=True)
print(lab.folder, flush=True)
{then}
"""


@pytest.mark.parametrize(
    "then",
    ["lab.close()", "raise SystemExit(1)", "import os; os.kill(os.getpid(), 15)", "import os; os.kill(os.getpid(), 9)"],
    ids=["closed", "left without closing", "terminated", "killed"],
)
def test_nothing_is_left(then: str) -> None:
    script = HELD.format(then=f"sys.stdin.readline()\n{then}")
    with subprocess.Popen([sys.executable, "-c", script], stdin=PIPE, stdout=PIPE, text=True) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        theirs = _processes_of(folder)
        assert len(theirs) > 5  # shells, sshd's, the agent, the registry
        owner.stdin.write("now\n")
    for handle in theirs:
        assert select.select([handle], [], [], 10)[0], "a process of the lab is still there"
        os.close(handle)
    assert not folder.exists()
    assert str(folder) not in Path("/proc/self/mounts").read_text(encoding="utf-8")
    assert not _devices()


def _processes_of(folder: Path) -> list[int]:
    """Handles (pidfd) of all processes that name the lab's folder or have something mounted from it."""
    theirs = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(folder) in (process / file).read_text(errors="replace") for file in ("cmdline", "mountinfo")):
                theirs.append(os.pidfd_open(int(process.name)))
        except OSError:  # it ended meanwhile
            continue
    return theirs


def _devices() -> set[str]:
    """The lab's own network devices, where they would be in everybody's way."""
    shown = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in shown.splitlines() if line.startswith(tuple(NETWORKS))}


def test_ctrl_c_in_a_terminal_ends_the_owner_first() -> None:
    """The hosts are in sessions of their own: an interrupt reaches the owner, whose `with` block tears down."""
    # Blocked and waited for: an interrupt that comes early is kept.
    block = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
    script = block + HELD.format(then="signal.sigwait([signal.SIGINT])\nlab.close()")
    with subprocess.Popen([sys.executable, "-c", script], stdout=PIPE, text=True, process_group=0) as held:
        assert held.stdout is not None
        folder = Path(held.stdout.readline().strip())
        os.killpg(held.pid, signal.SIGINT)
        assert held.wait(10) == 0
    assert not folder.exists()
