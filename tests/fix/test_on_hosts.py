"""The printed script, run as root on the host that it is for: it mends what the check found, or changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from lab import Home, Lab
from lab.host import File, Host
from lab.project import deploy_yml, write_project

pytestmark = pytest.mark.isolated

SHARED = files("kamal_forward_check.report").joinpath("fix.sh").read_text("utf-8")
Edit = Callable[[Host], None]
MAIN = "etc/ssh/sshd_config"
DROP_IN = "etc/ssh/sshd_config.d/50-hardening.conf"


@dataclass
class Broken:
    """A route through a bastion to web-1, one of which refuses."""

    lab: Lab
    home: Home
    hop: str

    def run(self, *words: str) -> CompletedProcess[str]:
        program = "from kamal_forward_check.program import run; run()"
        return self.lab.run([sys.executable, "-I", "-c", program, *words], self.home, cwd=self.home.path / "shop")

    def fix(self) -> str:
        """The script for the hop that refuses."""
        printed = self.run("fix", "--hop", self.hop)
        assert (printed.returncode, printed.stderr) == (0, "")
        return printed.stdout

    def apply(self, script: str) -> CompletedProcess[str]:
        """Run the script on the hop, as root."""
        (self.root / "root/fix.sh").write_text(script, encoding="utf-8")
        return self.lab.on(self.hop, ["sh", "/root/fix.sh"])

    @property
    def root(self) -> Path:
        return self.lab.root(self.hop)

    def files(self) -> dict[str, tuple[bytes, int, int, int]]:
        """The files that sshd reads: bytes, mode, owner and inode."""
        found = {}
        for top in ("etc/ssh", "home", "root/.ssh"):
            for path in (self.root / top).rglob("*"):
                if path.is_file():
                    state = path.stat()
                    name = str(path.relative_to(self.root))
                    found[name] = (path.read_bytes(), state.st_mode, state.st_uid, state.st_ino)
        return found


@contextmanager
def broken(*faults: str, hop: str = "web-1", login: str = "deploy", edit: Edit | None = None) -> Iterator[Broken]:
    """A lab with one hop that has `faults`, and that `edit` changed."""
    with Lab() as lab:
        lab.host("bastion", "front", "back", login="ops", faults=faults if hop == "bastion" else ())
        lab.host("web-1", "back", login=login, faults=faults if hop == "web-1" else ())
        if edit:
            edit(lab.hosts[hop])
        lab.start()
        home = lab.home()
        write_project(home.path / "shop", deploy_yml(["web-1"], proxy="ops@bastion", user=login))
        yield Broken(lab, home, hop)


@pytest.mark.parametrize(
    ("fault", "hop"),
    [
        ("allow-tcp-forwarding-no-dropin", "web-1"),
        ("allow-tcp-forwarding-no-match-include", "web-1"),
        ("disable-forwarding-and-allow-no", "web-1"),
        ("allow-tcp-forwarding-no-loaded", "web-1"),
        ("permit-listen-localhost", "web-1"),
        ("key-permitlisten-localhost", "web-1"),
        ("key-restrict", "web-1"),
        ("allow-tcp-forwarding-no-match-user", "bastion"),
        ("permit-open-other", "bastion"),
        ("key-no-port-forwarding", "bastion"),
    ],
)
def test_after_the_fix_the_same_check_passes(fault: str, hop: str) -> None:
    with broken(fault, hop=hop) as host:
        before = host.files()
        applied = host.apply(host.fix())
        assert (applied.returncode, applied.stderr) == (0, "")
        assert "kamal-forward-check check" in applied.stdout
        checked = host.run("check")
        assert checked.returncode == 0, checked.stdout
        after = host.files()
        assert {name: state[1:] for name, state in after.items()} == {name: state[1:] for name, state in before.items()}


def test_a_line_that_changed_meanwhile_is_left_alone() -> None:
    with broken("disable-forwarding-and-allow-no") as host:
        script = host.fix()
        main = host.root / MAIN
        main.write_text(main.read_text().replace("AllowTcpForwarding no", "AllowTcpForwarding  no # ticket 7"))
        before = host.files()
        applied = host.apply(script)
        assert applied.returncode == 1
        assert "does not read as it did" in applied.stderr
        assert "Nothing is changed" in applied.stderr
        assert host.files() == before
        assert not list(host.root.glob("root/kamal-forward-fix.*"))


def test_a_fix_that_is_made_already_says_so() -> None:
    with broken("allow-tcp-forwarding-no-dropin") as host:
        script = host.fix()
        assert host.apply(script).returncode == 0
        before = host.files()
        again = host.apply(script)
        assert again.returncode == 0
        assert "Nothing is to be changed" in again.stdout
        assert host.files() == before


def test_files_that_sshd_refuses_as_they_are_stay_as_they_are() -> None:
    with broken("allow-tcp-forwarding-no-dropin") as host:
        script = host.fix()
        with (host.root / MAIN).open("a") as main:
            main.write("NoSuchKeyword yes\n")
        before = host.files()
        applied = host.apply(script)
        assert applied.returncode == 1
        assert "NoSuchKeyword" in applied.stderr
        assert "Nothing is changed" in applied.stderr
        assert host.files() == before


def test_a_result_that_sshd_refuses_is_undone() -> None:
    with broken("disable-forwarding-and-allow-no") as host:
        script = host.fix()
        assert script.count("'AllowTcpForwarding remote'") == 1
        before = host.files()
        applied = host.apply(script.replace("'AllowTcpForwarding remote'", "'AllowTcpForwarding perhaps'"))
        assert applied.returncode == 1
        assert "Every file is as it was" in applied.stderr
        assert host.files() == before
        assert host.run("check").returncode == 1  # sshd still answers, and still refuses


def test_a_reload_that_fails_is_undone() -> None:
    with broken("allow-tcp-forwarding-no-dropin") as host:
        script = host.fix().replace("daemon 22 ", "daemon 2222 ")  # where nothing listens
        before = host.files()
        applied = host.apply(script)
        assert applied.returncode == 1
        assert "Every file is as it was" in applied.stderr
        assert "sshd does not listen" not in applied.stderr
        assert host.files() == before


def test_a_file_that_nobody_may_write_to_is_as_it_was() -> None:
    with broken("allow-tcp-forwarding-no-dropin") as host:
        script = host.fix()
        before = host.files()
        place = f"/{DROP_IN}"
        read_only = f"mount --bind {place} {place} && mount -o remount,ro,bind {place} && sh /root/fix.sh"
        (host.root / "root/fix.sh").write_text(script, encoding="utf-8")
        applied = host.lab.on("web-1", ["unshare", "--mount", "sh", "-c", read_only])
        assert applied.returncode == 1
        assert "Failed. Every file is as it was." in applied.stderr
        assert host.files() == before


def test_only_root_can_run_it() -> None:
    with broken("allow-tcp-forwarding-no-dropin") as host:
        (host.root / "home/deploy/fix.sh").write_text(host.fix())
        before = host.files()
        applied = host.lab.on("web-1", ["setpriv", "--reuid=deploy", "--clear-groups", "sh", "/home/deploy/fix.sh"])
        assert applied.returncode == 1
        assert "root" in applied.stderr
        assert host.files() == before


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("allow-tcp-forwarding-no-option", "SSHD_OPTS in /etc/default/ssh"),
        ("port-in-use", "Stop what holds port 5555"),
        ("allow-tcp-forwarding-no-unreadable", "sshd -T"),
    ],
)
def test_where_no_line_can_be_changed_the_script_says_what_to_do_by_hand(fault: str, said: str) -> None:
    with broken(fault) as host:
        printed = host.run("fix")
        assert printed.returncode == 1
        assert said in printed.stdout
        before = host.files()
        assert host.apply(printed.stdout).returncode == 1
        assert host.files() == before


def test_a_cloud_images_lock_is_never_loosened() -> None:
    with broken("key-cloud-image", login="root") as host:
        printed = host.run("fix")
        assert printed.returncode == 1
        assert "ssh.user" in printed.stdout
        assert "options " not in printed.stdout


def test_where_all_is_well_there_is_nothing_to_fix() -> None:
    with broken() as host:
        printed = host.run("fix")
        assert (printed.returncode, printed.stderr) == (0, "")
        assert printed.stdout == "# Nothing to change: forward works on 1 of 1 host.\n"
        unknown = host.run("fix", "--hop", "web-9")
        assert unknown.returncode == 2
        assert "web-9" in unknown.stderr
        assert "deploy@web-1" in unknown.stderr


def test_on_another_host_than_the_one_that_was_checked_nothing_is_changed() -> None:
    with broken("allow-tcp-forwarding-no-dropin") as host:
        script = host.fix()
        other = Broken(host.lab, host.home, "bastion")
        drop_in = other.root / DROP_IN
        drop_in.write_bytes((host.root / DROP_IN).read_bytes())
        before = other.files()
        applied = other.apply(script)
        assert applied.returncode == 1
        assert "not the host that was checked" in applied.stderr
        assert other.files() == before


def _of_its_own(host: Host) -> None:
    host.files["/etc/ssh/other_config"] = File(host.main_text + "AllowTcpForwarding no\n")
    host.daemon += ["-f", "/etc/ssh/other_config"]


def test_a_daemon_with_a_file_of_its_own_is_tested_with_that_file() -> None:
    with broken(edit=_of_its_own) as host:
        script = host.fix()
        assert "daemon 22 /usr/sbin/sshd -f /etc/ssh/other_config" in script
        broken_result = host.apply(script.replace("'AllowTcpForwarding remote'", "'AllowTcpForwarding perhaps'"))
        assert "Every file is as it was" in broken_result.stderr
        assert host.apply(script).returncode == 0
        assert host.run("check").returncode == 0


def _narrow(report: str, user: str) -> str:
    """The lines of the narrower way that the report shows."""
    lines = report.splitlines()
    first = lines.index(f"    Match User {user}")
    return "\n".join(takewhile(lambda line: line.startswith("    "), lines[first:])) + "\n"


@pytest.mark.parametrize(
    ("fault", "hop", "login"),
    [
        ("disable-forwarding-and-allow-no", "web-1", "deploy"),
        ("allow-tcp-forwarding-no-option", "web-1", "deploy"),
        ("allow-tcp-forwarding-no-dropin", "bastion", "ops"),
    ],
)
def test_the_narrower_way_is_enough(fault: str, hop: str, login: str) -> None:
    with broken(fault, hop=hop) as host:
        report = host.run("check").stdout
        assert "/etc/ssh/sshd_config.d/00-kamal-forward.conf" in report
        (host.root / "etc/ssh/sshd_config.d/00-kamal-forward.conf").write_text(_narrow(report, login))
        reloaded = host.apply(f"{SHARED}\nreload_it() {{ daemon 22 /usr/sbin/sshd; }}\nchange reload_it </dev/null\n")
        assert reloaded.returncode == 0, reloaded.stderr
        checked = host.run("check")
        assert checked.returncode == 0, checked.stdout


def test_a_jump_that_is_a_target_too_is_fixed_for_both_at_once() -> None:
    with Lab() as lab:
        lab.host("bastion", "front", "back", login="ops", faults=["allow-tcp-forwarding-no"])
        lab.host("web-1", "back", login="deploy")
        lab.start()
        home = lab.home()
        text = deploy_yml(["web-1", "bastion"], proxy="ops@bastion", user="deploy")
        write_project(home.path / "shop", text)
        host = Broken(lab, home, "bastion")
        script = host.fix()
        assert "'AllowTcpForwarding yes'" in script
        assert host.apply(script).returncode == 0
        checked = host.run("check")
        assert checked.returncode == 0, checked.stdout


def test_the_script_in_a_file_is_for_its_owner_alone() -> None:
    with broken("allow-tcp-forwarding-no-dropin") as host:
        printed = host.run("fix", "--hop", "web-1", "--output", "mend.sh")
        assert (printed.returncode, printed.stdout) == (0, "")
        made = host.home.path / "shop/mend.sh"
        assert made.stat().st_mode & 0o777 == 0o600
        assert "sudo sh mend.sh\n" in made.read_text()
