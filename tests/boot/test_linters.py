"""The linters of what is no Python: each is clean on the checkout, and finds what it is there to find."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dev.linters import finds, linters

ROOT = Path(__file__).parents[2]
LINTED = (".ci", ".github", "action.yml", "bin", "Dockerfile", "examples", "schema")
CI, AGENT = ".github/workflows/ci.yml", "examples/deploy-with-agent.yml"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the linters read, and a .git: by it actionlint knows a repository, and the action in it."""
    (tmp_path / ".git").mkdir()
    for name in LINTED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("linter", "file", "good", "bad", "says"),
    [
        ("check-jsonschema", "action.yml", "color: blue", "color: mauve", "mauve"),
        ("check-jsonschema", CI, "runs-on:", "runs:", "runs"),
        ("hadolint", "Dockerfile", "--no-install-recommends ", "", "DL3015"),
        ("actionlint", CI, "sudo .ci/run", "echo $1", "SC2086"),
        (
            "actionlint",
            AGENT,
            "${{ vars.KNOWN_HOSTS }}",
            "${{ steps.nobody.outputs.hosts }}",
            '"nobody" is not defined',
        ),
        ("actionlint", CI, "- run: sudo .ci/run", "- {uses: ./, with: {nobody: 1}}", 'input "nobody" is not defined'),
        ("zizmor", CI, "@de0fac2e4500dabe0009e67214ff5f5447ce83dd", "@v6", "unpinned-uses"),
        ("zizmor", AGENT, 'echo "$KNOWN_HOSTS"', "echo '${{ github.head_ref }}'", "template-injection"),
    ],
)
def test_a_flaw_is_found(  # noqa: PLR0913, PLR0917 - a row of the table
    checkout: Path, capfd: pytest.CaptureFixture[str], linter: str, file: str, good: str, bad: str, says: str
) -> None:
    text = (checkout / file).read_text(encoding="utf-8")
    assert good in text
    (checkout / file).write_text(text.replace(good, bad, 1), encoding="utf-8")
    commands = [command for command in linters(checkout) if command[0] == linter and file in command]
    assert [finds(command, checkout) for command in commands] == [True]
    told = capfd.readouterr()
    assert says in told.out + told.err
