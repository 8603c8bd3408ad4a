"""Whole logs, most of them the real Kamal's and ssh's, trimmed: each beside what is said of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.log import explain
from kamal_forward_check.log.explain import Explained
from kamal_forward_check.system import System

LOGS = sorted((Path(__file__).parent / "logs").glob("*.log"))
PROGRAM = str(Path(sys.executable).with_name("kamal-forward-check"))


def explained(log: Path) -> Explained:
    with log.open("rb") as file:
        found = explain.explain(explain.STDIN, System.real(), file)
    return Explained(log.name, found.reading, found.found)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_log(log: Path, accept: bool) -> None:  # noqa: FBT001
    text = explained(log).text()
    expected = log.with_suffix(".txt")
    if accept:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert all(line.isprintable() for line in text.splitlines())


def of(name: str) -> Explained:
    return explained(Path(__file__).parent / "logs" / f"{name}.log")


def codes(name: str, at: int = 0) -> list[str]:
    return [cause.code for cause in of(name).found[at].causes]


def ruled_out(name: str) -> set[str]:
    return {out.cause.code for out in of(name).found[0].ruled_out}


def test_kamals_sentence_alone_fits_at_least_eight_causes() -> None:
    [fault] = of("forward-refused").found
    assert len({cause.code for cause in fault.causes}) >= 8
    assert fault.hosts == ("web-1",)
    assert not fault.sure
    assert not fault.ruled_out


@pytest.mark.parametrize("log", ["incident-with-debug", "incident-by-ssh-v"])
def test_the_incident_is_sshd_config_and_not_the_key(log: str) -> None:
    [fault] = of(log).found
    assert fault.hosts == ("web-1",)
    assert codes(log) == ["KF510", "KF511", "KF514"]
    assert {"KF501", "KF512", "KF513", "KF520"} <= ruled_out(log)
    assert any("the jumps are fine" in note for note in fault.notes)


def test_a_log_that_was_cut_proves_nothing_by_its_silence() -> None:
    """The incident as it was reported: without the line that sshd says in passing."""
    assert ruled_out("incident-as-told") == {"KF501", "KF513"}
    assert codes("incident-as-told")[0] == "KF510"
    assert "KF520" in codes("incident-as-told")


def test_the_silence_of_a_whole_log_proves_that_the_port_could_not_be_had() -> None:
    assert codes("port-in-use-with-debug") == ["KF520", "KF521", "KF522", "KF523"]
    assert not of("port-in-use-with-debug").found[0].sure


def test_the_key_is_named_where_its_options_withhold_forwarding() -> None:
    assert of("key-restrict-with-debug").found[0].sure
    assert codes("key-restrict-with-debug")[0] == "KF501"


def test_a_list_is_named_where_the_key_has_none() -> None:
    assert of("permitlisten-with-debug").found[0].sure
    assert codes("permitlisten-with-debug") == ["KF512"]


def test_what_contradicts_itself_is_said_and_decides_nothing() -> None:
    [fault] = of("contradiction").found
    assert {"KF510", "KF512", "KF513"} <= set(codes("contradiction"))
    assert any("contradict" in note for note in fault.notes)
    assert any("several logins" in note for note in fault.notes)
    assert not fault.sure


def test_each_host_is_judged_by_what_it_said_itself() -> None:
    of_hosts = {fault.hosts: [cause.code for cause in fault.causes] for fault in of("three-targets-with-debug").found}
    assert of_hosts == {
        ("web-1",): ["KF510", "KF511", "KF514"],
        ("web-2",): ["KF520", "KF521", "KF522", "KF523"],
    }


def test_two_reasons_behind_one_jump_are_not_given_to_hosts_by_guessing() -> None:
    faults = {fault.symptom.name: fault for fault in of("two-targets-behind-jump").found}
    assert set(faults) == {"behind-refused", "behind-unknown-name"}
    assert all(not fault.which and set(fault.hosts) == {"web-1", "web-2"} for fault in faults.values())
    assert all("one of web-2, web-1" in fault.title for fault in faults.values())


def test_a_consequence_is_not_explained_beside_its_reason() -> None:
    assert [fault.symptom.name for fault in of("registry-in-devcontainer").found] == ["registry-not-here"]
    assert [fault.symptom.name for fault in of("jump-key-changed").found] == ["ssh-host-key-changed"]


def test_the_destination_of_the_log_is_kept() -> None:
    assert "kamal-forward-check check --destination production" in of("github-actions").text()


def run(*words: str, log: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run([PROGRAM, "explain", *words], input=log, capture_output=True, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


REFUSED = b" ERROR (RuntimeError): Failed to establish port forward on web-1\n"


def test_words_are_codes_or_logs() -> None:
    done = run("kf510", "-", log=REFUSED)
    assert done.returncode == 0
    assert done.stdout.startswith("# KF510 target-forwarding-off")
    assert "✗ the forward is refused by web-1" in done.stdout


def test_a_log_in_which_nothing_is_known_ends_with_2_and_says_what_to_do() -> None:
    done = run("-", log=b"all is well\n")
    assert done.returncode == 2
    assert "no message that is known here" in done.stdout
    assert "log_level: debug" in done.stdout
    assert run("-").returncode == 2
    assert "is empty" in run("-").stdout


@pytest.mark.parametrize("word", ["no-such.log", "/", "KF000"])
def test_what_is_neither_is_one_clear_error(word: str) -> None:
    done = run(word)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2


def test_a_name_that_no_file_can_have_is_an_error_as_well() -> None:
    with pytest.raises(CannotCheck):
        explain.explain("a\x00b", System.real(), sys.stdin.buffer)


def test_json_has_all_that_the_text_has() -> None:
    done = run("-", "KF510", "--format", "json", log=REFUSED)
    log, page = json.loads(done.stdout)
    [fault] = log["faults"]
    assert fault["hosts"] == ["web-1"]
    assert [cause["code"] for cause in fault["causes"]][:2] == ["KF510", "KF511"]
    assert fault["evidence"] == [{"line": 1, "text": "ERROR (RuntimeError): Failed to establish port forward on web-1"}]
    assert page["code"] == "KF510"


def test_there_is_no_annotation_of_a_log() -> None:
    assert re.search("use text or json", run("KF510", "--format", "github").stderr)
