"""One table of settings for both doors: the command line's flags and the action's inputs.

A setting is declared once, in `TABLE`. The tasks' options, `action.yml` (held against it by a test) and
`Settings` itself come from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import CONFIG_FILE


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `flag` and `action_input` are its names at the two doors, empty where a door lacks it."""

    field: str
    default: str
    help: str
    flag: str = ""
    action_input: str = ""
    choices: tuple[str, ...] = ()
    repeatable: bool = False
    switch: bool = False
    tasks: frozenset[str] = frozenset({"check", "validate", "route", "fix"})


_NOT_GIVEN: tuple[Any, ...] = (None, "", [], False)


def _both(name: str, default: str, text: str, **more: Any) -> Setting:
    return Setting(name.replace("-", "_"), default, text, flag=name, action_input=name, **more)


_CHECK = frozenset({"check", "fix"})
_ROUTES = frozenset({"check", "route", "fix"})
_REPORTS = frozenset({"check", "validate"})
_ANSWERS = _REPORTS | {"explain"}

TABLE: tuple[Setting, ...] = (
    _both("config-file", CONFIG_FILE, "Kamal's configuration file"),
    _both("destination", "", "Kamal's destination: its file is merged in, as with kamal -d (validate: or all)"),
    _both("hosts", "", "only these hosts, comma-separated, with * and ?, as with kamal --hosts", tasks=_ROUTES),
    _both("roles", "", "only these roles, comma-separated, with * and ?, as with kamal --roles", tasks=_ROUTES),
    _both("kamal-version", "", "the Kamal to follow (else Gemfile.lock's, else the newest known)"),
    _both("env-file", "", "file of variables (NAME=value, as for dotenv) for ERB, beside those that are set"),
    Setting("working_directory", "", "folder that config-file is relative to", action_input="working-directory"),
    Setting(
        "identities", "", "private key file that stands for your agent's keys (repeatable)",
        flag="identity", repeatable=True, tasks=_CHECK,
    ),
    Setting(
        "private_keys", "", "private key(s) that stand for the deploying machine's agent; from a secret",
        action_input="ssh-private-key",
    ),
    Setting(
        "key_passphrase", "", "passphrase of the private keys, where they are encrypted; from a secret",
        action_input="ssh-key-passphrase",
    ),
    Setting("known_hosts_file", "", "known_hosts file to use instead of your own", flag="known-hosts", tasks=_CHECK),
    Setting(
        "known_hosts", "", "known_hosts lines for the jumps (and targets), as ssh-keyscan prints them",
        action_input="ssh-known-hosts",
    ),
    Setting(
        "mode", "check", "check walks the route; validate judges the file alone",
        action_input="mode", choices=("check", "validate"),
    ),
    _both(
        "allow-proxy-command", "false",
        "on GitHub, start the commands that ssh.proxy_command, or a file of ssh.config, names",
        switch=True, tasks=_ROUTES,
    ),
    _both("timeout", "120", "seconds for the whole check", tasks=_CHECK),
    Setting(
        "compare_direct", "", "where a route through a jump stops at its target, try the target without the jump too",
        flag="compare-direct", switch=True, tasks=frozenset({"check"}),
    ),
    Setting(
        "format", "text",
        "text or json; for a report also sarif, or github (annotations, summary and outputs, as the action)",
        flag="format", choices=("text", "json", "sarif", "github"), tasks=_ANSWERS,
    ),
    Setting(
        "output", "", "write to this file instead of standard output", flag="output", tasks=_ANSWERS | {"fix"},
    ),
    _both(
        "fail-on", "error", "lowest severity that fails: error, warning or never",
        choices=("error", "warning", "never"), tasks=_REPORTS,
    ),
    _both("ignore", "", "finding codes to leave out, comma-separated; the report counts them", tasks=_REPORTS),
    Setting(
        "hop", "", "host, or user@host, that the script is for (repeatable; else every host that stops a route)",
        flag="hop", repeatable=True, tasks=frozenset({"fix"}),
    ),
    Setting(
        "report_file", "kamal-forward-check.json", "where the JSON report is written, in the workspace",
        action_input="report-file",
    ),
    Setting(
        "sarif_file", "", "where a SARIF report for code scanning is written, in the workspace; none where empty",
        action_input="sarif-file",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run, judged and typed. Paths are as given; lists are split and stripped."""

    config_file: str = CONFIG_FILE
    destination: str | None = None
    hosts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    kamal_version: str | None = None
    env_file: str = ""
    working_directory: str = ""
    identities: tuple[str, ...] = ()
    private_keys: str = field(default="", repr=False)
    key_passphrase: str = field(default="", repr=False)
    known_hosts_file: str = ""
    known_hosts: str = ""
    mode: str = "check"
    allow_proxy_command: bool = False
    timeout: float = 120.0
    compare_direct: bool = False
    format: str = "text"
    output: str = ""
    fail_on: str = "error"
    ignore: tuple[str, ...] = ()
    hop: tuple[str, ...] = ()
    report_file: str = "kamal-forward-check.json"
    sarif_file: str = ""


def from_flags(given: Mapping[str, Any]) -> Settings:
    """Settings from a command line: names with `_` (invoke's), absent or empty means the default.

    Raises CannotCheck for a value that the setting does not take.
    """
    return _judge({s: given.get(s.flag.replace("-", "_")) for s in TABLE if s.flag}, "--{}", lambda s: s.flag)


def as_flags(settings: Settings, task: str) -> list[str]:
    """The words that give `settings` to `task` again: what is chosen of its routes, not where its report goes."""
    plain, words = Settings(), list[str]()
    chosen = [each for each in TABLE if each.flag not in ("", "output", "format") and task in each.tasks]
    for setting in chosen:
        value = getattr(settings, setting.field)
        if value == getattr(plain, setting.field):
            continue
        if setting.switch:
            words.append(f"--{setting.flag}")
            continue
        several = value if setting.repeatable else [",".join(value) if isinstance(value, tuple) else value]
        words += (word for each in several for word in (f"--{setting.flag}", str(each)))
    return words


def from_inputs(environ: Mapping[str, str]) -> Settings:
    """Settings from a runner's variables: INPUT_CONFIG-FILE and so on; dashes are kept by the runner.

    Raises CannotCheck for a value that the input does not take.
    """
    given = {s: environ.get(f"INPUT_{s.action_input.upper()}") for s in TABLE if s.action_input}
    return _judge(given, "input {}", lambda s: s.action_input)


def _judge(given: Mapping[Setting, Any], called: str, name_of: Any) -> Settings:
    values = {s.field: _value(s, raw, called.format(name_of(s))) for s, raw in given.items() if raw not in _NOT_GIVEN}
    known = {f.name for f in fields(Settings)}
    return Settings(**{name: value for name, value in values.items() if name in known})


def _value(setting: Setting, raw: Any, called: str) -> Any:
    if setting.repeatable:
        return tuple(raw)
    if setting.switch:
        return _switched(str(raw), called)
    text = str(raw)
    if setting.field not in ("private_keys", "key_passphrase", "known_hosts"):
        text = text.strip()
    if setting.choices and text not in setting.choices:
        raise CannotCheck(f"{called}: {text!r} is not a choice", f"use {', '.join(setting.choices)}")
    if setting.field == "timeout":
        return _seconds(text, called)
    if setting.field in ("hosts", "roles", "ignore"):
        words = tuple(word for part in text.split(",") if (word := part.strip()))
        if setting.field == "ignore":
            return _codes(words, called)
        return words
    return text


def _switched(text: str, called: str) -> bool:
    """A flag that was given is True; an input says it."""
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise CannotCheck(f"{called}: {text!r} is not a choice", "use true or false")
    return word == "true"


def _codes(words: tuple[str, ...], called: str) -> tuple[str, ...]:
    codes = tuple(word.upper() for word in words)
    for code in codes:
        if not re.fullmatch(r"KF\d{3}", code):
            raise CannotCheck(f"{called}: {code!r} is not a finding's code", "codes look like KF510, comma-separated")
    return codes


def _seconds(text: str, called: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour; also false for nan
        raise CannotCheck(f"{called}: {text!r} is not a number of seconds", "use a number from 1 to 3600")
    return seconds
