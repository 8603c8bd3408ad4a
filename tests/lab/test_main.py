"""`python3 -m lab` tells wrong use in a line, before anything is started."""

from __future__ import annotations

import pytest

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
