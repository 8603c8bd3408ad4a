"""Programs that a fault runs on a host, in perl: every Debian has it, and it can be called anything."""

from __future__ import annotations

from shlex import quote

ANYWHERE = "0.0.0.0"  # noqa: S104 - as docker does; in a namespace


def perl(script: str, name: str = "perl", *, prefix: str = "") -> str:
    """A command that runs a script in the background, as a process called `name`."""
    whole = f'$0 = "{name}"; {script}'
    return f"{prefix} perl -MIO::Socket::IP -e {quote(whole)} >&2 &".lstrip()


def listening(address: str, port: int) -> str:
    """The start of a script: `$s` listens. `::` takes IPv4 as well."""
    both = ", V6Only => 0" if address == "::" else ""
    socket = f'LocalHost => "{address}", LocalPort => {port}, Listen => 5, ReuseAddr => 1{both}'
    return f"my $s = IO::Socket::IP->new({socket}) or die $@;"
