"""`python3 -m lab`, and the servers for a workflow, tell in a line why they can't start, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import served
from lab.__main__ import main


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("web-1", "there is no fault ''"),
        ("web-1=nope", "there is no fault 'nope'; python3 -m lab faults lists them"),
        ("web-9=down", "the hosts are bastion, web-1, web-2"),
    ],
)
def test_a_fault_that_can_not_be_chosen(
    pair: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lab.__main__.can_isolate", lambda: "")
    monkeypatch.setattr("sys.argv", ["lab", "shell", "--fault", pair, "--", "true"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert f"--fault {pair}: {words}" in capsys.readouterr().err


def test_where_hosts_can_not_have_networks_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lab.served.can_isolate", lambda: "network namespaces need root")
    assert served.main(tmp_path) == 2
    assert capsys.readouterr() == ("", "the servers can't start: network namespaces need root\n")
    assert not list(tmp_path.iterdir())
