"""KF1xx: the file. What Kamal would reject, each at its line."""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Fix, ProblemKind, Severity
from kamal_forward_check.rules.facts import Facts
from kamal_forward_check.rules.registry import Hit, rule


def _problems(facts: Facts, kind: ProblemKind) -> Iterator[Hit]:
    for problem in facts.problems:
        if problem.kind is kind:
            yield Hit(
                message=problem.message,
                location=problem.at,
                fix=Fix(problem.hint, example=problem.example) if problem.hint else None,
                severity=problem.severity,
            )


@rule("KF101", name="not-yaml", title="The file is not YAML that Kamal can read")
def not_yaml(facts: Facts) -> Iterator[Hit]:
    """
    Kamal reads deploy.yml with Ruby's Psych, which is YAML 1.1. The text at the line named is none: often a
    tab, an indentation that does not line up, or a value with `: ` or `#` that wants quotes.

    ## Fix
    Correct the line. A value that holds `:`, `#`, `{` or `%` at its start goes in quotes.

    ## See it by hand
    `kamal config` prints the same complaint, without the line of the file as you see it where ERB is used.
    """
    yield from _problems(facts, ProblemKind.SYNTAX)


@rule("KF102", name="not-erb", title="The file's ERB can't be rendered")
def not_erb(facts: Facts) -> Iterator[Hit]:
    """
    Kamal renders deploy.yml as an ERB template before it reads the YAML, comments included. The tag at the
    line named is not valid. `-%>` and `<%-` are known from Kamal 2.11 on.

    ## Fix
    Close the tag, or use what this Kamal knows.

    ## See it by hand
    `kamal config` stops with a SyntaxError.
    """
    yield from _problems(facts, ProblemKind.TEMPLATE)


@rule("KF103", name="unknown-key", title="Kamal does not know this key")
def unknown_key(facts: Facts) -> Iterator[Hit]:
    """
    Kamal rejects a file with a key that it does not know, and names only the first. Keys that begin with
    `x-` are free, at the top level only. Where Kamal's version is only assumed, or newer than those known
    here, the finding is a warning: a newer Kamal may know the key.

    ## Fix
    Correct the spelling, move the key to where it belongs, or remove it.

    ## See it by hand
    `kamal config` says `unknown key: …`.
    """
    yield from _problems(facts, ProblemKind.UNKNOWN_KEY)


@rule("KF104", name="wrong-type", title="A value is of the wrong type")
def wrong_type(facts: Facts) -> Iterator[Hit]:
    """
    The key takes another type: a list where a mapping stands, a text where a list is wanted, or nothing at
    all after the colon (an explicit null is no text for Kamal).

    ## Fix
    Give the value the type that the message names, or remove the key.

    ## See it by hand
    `kamal config` says `should be a string`, or whatever the type is.
    """
    yield from _problems(facts, ProblemKind.WRONG_TYPE)


@rule("KF105", name="missing", title="Something that Kamal needs is missing")
def missing(facts: Facts) -> Iterator[Hit]:
    """
    Kamal can't do without this key: a service name, servers, an image or the registry's login (unless the
    registry is local), the builder's architecture. A base file is often complete only with its destination.

    ## Fix
    Add the key, or name the destination with `--destination`.

    ## See it by hand
    `kamal config` (with `-d DESTINATION`) says `is required`.
    """
    yield from _problems(facts, ProblemKind.MISSING)


@rule("KF106", name="wrong-value", title="A value does not hold")
def wrong_value(facts: Facts) -> Iterator[Hit]:
    """
    The type is right, and Kamal stops at the value: a proxy string that is no URI, two settings that exclude
    each other, a remote builder that is not `ssh://…` beside a local registry.

    ## Fix
    Change the value as the message says.

    ## See it by hand
    `kamal config` stops with a Kamal::ConfigurationError; a bad `ssh.proxy` shows only when Kamal connects.
    """
    yield from _problems(facts, ProblemKind.WRONG_VALUE)


@rule("KF107", name="too-new", title="This Kamal does not know the key yet")
def too_new(facts: Facts) -> Iterator[Hit]:
    """
    The key came with a later Kamal than the one this project uses (its Gemfile.lock, or `kamal-version`).

    ## Fix
    Update Kamal (`bundle update kamal`), or remove the key.

    ## See it by hand
    `bundle exec kamal config` says `unknown key: …`.
    """
    yield from _problems(facts, ProblemKind.TOO_NEW)


@rule("KF108", name="kamal-1", title="This file was written for Kamal 1")
def kamal_1(facts: Facts) -> Iterator[Hit]:
    """
    Kamal 2 replaced Traefik by its own proxy: `traefik` is gone, and a top-level `healthcheck` moved to
    `proxy.healthcheck`.

    ## Fix
    Follow Kamal's upgrade guide from 1 to 2: replace `traefik` by `proxy`, and move `healthcheck` below it.

    ## See it by hand
    `kamal config` says `unknown key: traefik`.
    """
    yield from _problems(facts, ProblemKind.KAMAL_1)


@rule("KF109", name="not-evaluated", title="Ruby code that is never run here", severity=Severity.NOTICE)
def not_evaluated(facts: Facts) -> Iterator[Hit]:
    """
    The ERB at this line needs Ruby itself (a shell command, a `require`, Rails). This check runs no code of
    the file: the value is taken as fitting, and where a host or a port depends on it, that part is listed as
    not looked at.

    ## Fix
    Nothing is wrong. To have the value checked as well, take it from a variable: `<%= ENV["NAME"] %>`.

    ## See it by hand
    `kamal config` shows the value that Ruby gives.
    """
    yield from _problems(facts, ProblemKind.OPAQUE)
