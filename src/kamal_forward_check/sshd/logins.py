"""Causes that fit a login which sshd refuses, or ends, without a word: ranked, each with what settles it.

From outside they look the same (measured, 8.2 to 10.5); sshd's log names each of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from kamal_forward_check.model import Candidate, HopTrace
from kamal_forward_check.sshd.candidates import settle

_ROOT = "root"


def log(words: str, minutes: int = 5) -> str:
    """The command that shows what sshd's log has of `words`, a pattern of grep -E."""
    return f"sudo journalctl -u ssh -u sshd --since -{minutes}min | grep -iE {words!r}"


def log_of(seen: HopTrace) -> str:
    """The command that shows why sshd refused this user."""
    return log(f"{seen.hop.user}|refused|not allowed|invalid user|bad ownership|not in Pubkey")


def refused(seen: HopTrace) -> tuple[Candidate, ...]:
    """sshd took none of the keys."""
    user, keys = seen.hop.user.value, f"~{seen.hop.user}/.ssh/authorized_keys"
    modes = "others may be able to write to the home, .ssh or authorized_keys"
    return (
        *([Candidate("PermitRootLogin", "it may be no", settle(seen, "PermitRootLogin"))] if user == _ROOT else []),
        Candidate("authorized_keys", f"{user}'s may not have {_offered(seen)}", f"sudo ssh-keygen -lf {keys}"),
        Candidate(
            "AllowUsers",
            "AllowUsers, AllowGroups, DenyUsers or DenyGroups may leave the user out",
            settle(seen, r"'^\(allow\|deny\)\(users\|groups\)'"),
        ),
        Candidate("StrictModes", modes, f"sudo namei -l {keys}"),
        Candidate(
            "the account",
            "there may be no such user, it may be locked, or its shell may be missing",
            f"getent passwd {user}; sudo passwd -S {user}",
        ),
        Candidate(
            "from=, expiry-time=",
            "the key's line may be for other addresses, or over",
            f"sudo grep -nE '(from|expiry-time)=' {keys}",
        ),
        Candidate("PubkeyAcceptedAlgorithms", "it may leave the key's type out", settle(seen, "PubkeyAccepted")),
    )


def _offered(seen: HopTrace) -> str:
    keys = seen.login.offered
    return f"the key {keys[0]}" if len(keys) == 1 else f"one of the {len(keys)} keys" if keys else "the key"


def ended(seen: HopTrace) -> Iterator[Candidate]:
    """The connection ended during the login, or, where a key had opened it, right after."""
    user = seen.hop.user.value
    if seen.opened_by:
        if user == _ROOT:
            yield Candidate("PermitRootLogin", "it may be forced-commands-only", settle(seen, "PermitRootLogin"))
        yield Candidate(
            "ChrootDirectory",
            "a folder on its path may not be root's, or be writable by others",
            log("bad ownership or modes for chroot"),
        )
        yield Candidate("PAM", "a session module may end the login", log("pam"))
        return
    yield Candidate("the account", "it may have expired, which PAM minds", f"sudo chage -l {user}")
    yield Candidate("/etc/nologin", "it shuts out all but root", "ls -l /etc/nologin /run/nologin")
    yield Candidate("LoginGraceTime", "the login may have taken longer", settle(seen, "LoginGraceTime"))
    yield Candidate("RefuseConnection", "a Match block may refuse it (OpenSSH 9.9)", settle(seen, "RefuseConnection"))


def at_once(said: str) -> Iterator[Candidate]:
    """The connection was closed before SSH began; `said` is what came in place of a banner."""
    startups = Candidate(
        "MaxStartups",
        "too many logins under way at once: raise it to 30:30:100 (and PerSourceMaxStartups, where it is set)",
        f"{log('MaxStartups', 10)}; sudo sshd -T | grep -i startups",
    )
    penalties = Candidate(
        "PerSourcePenalties",
        "failed logins of this address are punished for up to 600 s (OpenSSH 9.8): wait, or name the address in "
        "PerSourcePenaltyExemptList",
        f"{log('penalty', 10)}; sudo sshd -T | grep -i persourcepenalt",
    )
    if "MaxStartups" in said:  # OpenSSH up to 9.7
        yield startups
        return
    yield penalties
    yield startups
    if not said:
        yield Candidate("fail2ban", "it may have banned this address", "sudo fail2ban-client status sshd")
        yield Candidate(
            "a rate limit", "`ufw limit ssh` lets six connections in, in 30 s", "sudo ufw status | grep -i limit"
        )
