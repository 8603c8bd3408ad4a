"""The table: every fault by name, on which hop it stands, and what has to be said of it.

Line 10 of sshd_config is the first of a fault's own. Up to there it is as Debian has it; see lab/host.py.
"""

from __future__ import annotations

from functools import partial

from lab.faults.places import DROP_IN, FOLDER, OTHER_FILE
from lab.host import MAIN
from tests.faults.row import JUMP, SECOND, TARGET, WORKS, Line, Row

target, jump, second = partial(Row, TARGET), partial(Row, JUMP), partial(Row, SECOND)


def main(line: int, current: str, change_to: str) -> Line:
    return Line(MAIN, line, current, change_to)


def key(current: str, change_to: str, user: str = "deploy") -> Line:
    return Line(f"/home/{user}/.ssh/authorized_keys", 2, current, change_to)


NO, YES = "AllowTcpForwarding no", "AllowTcpForwarding yes"
REMOTE, LOCAL = "AllowTcpForwarding remote", "AllowTcpForwarding local"
DISABLED, ENABLED = "DisableForwarding yes", "DisableForwarding no"
IN = "    "
HERE = "127.0.0.1:5555"
COMPLIANCE = f"{FOLDER}/00-complianceascode-hardening.conf"
BY_SSHD = "sshd's command line"
UNSEEN = "nobody names the line"
KEYS = "/home/deploy/.ssh/authorized_keys"
MANY_KEYS = {"keys": False, "agent": True, "decoys": 4}
UNFORWARDED = {"certificate": "no-port-forwarding"}
CERTIFICATE = "the deployer's certificate has to be signed anew"

# What the findings tell a person to do where no script can do it.
_SOCKET = "ss -Hltne 'sport = :22' | sed 's/.*ino:\\([0-9]*\\).*/\\1/' | sort -n | head -n 1"
RELOAD = (
    f"old=$({_SOCKET}); kill -HUP $(cat /run/sshd.pid); "
    f'until new=$({_SOCKET}) && [ -n "$new" ] && [ "$new" != "$old" ]; do sleep 0.02; done'
)
_GONE = "while ss -Hltn 'sport = :{0}' | grep -q .; do sleep 0.02; done"
_THERE = "until ss -Hltn 'sport = :{0}' | grep -q .; do sleep 0.02; done"
START = f"/usr/sbin/sshd -E /run/sshd.log; {_THERE.format(22)}"
RESTART = f"kill $(cat /run/sshd.pid); {_GONE.format(22)}; {START}"
FREE = f"kill $(ss -Hltnp 'sport = :5555' | sed 's/.*pid=\\([0-9]*\\).*/\\1/'); {_GONE.format(5555)}"
DROPBEAR = "dropbear -s -r /run/dropbear_key -P /run/dropbear.pid"
NEW_DROPBEAR = f"kill $(cat /run/dropbear.pid); {_GONE.format(22)}; {DROPBEAR}; {_THERE.format(22)}"


def shadow(edit: str) -> str:
    """/etc/shadow edited in its place: on a lab's host it is a mount."""
    return f"sed '{edit}' /etc/shadow > /run/shadow; cat /run/shadow > /etc/shadow; rm /run/shadow"


def without(keyword: str) -> str:
    """sshd_config without the lines of a keyword, loaded."""
    return f"find {MAIN} {FOLDER} -type f -exec sed -i '/{keyword}/d' {{}} +; {RELOAD}"


TARGETS = (
    # AllowTcpForwarding and DisableForwarding in the main file, as people write them
    target("allow-tcp-forwarding-no", "KF510", main(10, NO, REMOTE)),
    target("allow-tcp-forwarding-local", "KF510", main(10, LOCAL, YES)),
    target("allow-tcp-forwarding-no-then-yes", "KF510", main(10, NO, REMOTE)),
    target("allow-tcp-forwarding-no-equals", "KF510", main(10, "allowtcpforwarding=NO", "allowtcpforwarding=remote")),
    target("allow-tcp-forwarding-no-quoted", "KF510", main(10, 'AllowTcpForwarding "no"', REMOTE)),
    target("allow-tcp-forwarding-no-tabs", "KF510",
           main(10, "\tAllowTcpForwarding\t no", "\tAllowTcpForwarding\t remote")),
    target("allow-tcp-forwarding-no-comment", "KF510", main(10, f"{NO} # CIS 5.2.20", f"{REMOTE} # CIS 5.2.20")),
    target("forwarding-and-streamlocal-no", "KF510", main(10, NO, REMOTE)),
    target("odd-characters", "KF510",
           main(11, f"{NO} # gr\ufffd\ufffder \f", f"{REMOTE} # gr\ufffd\ufffder \f")),
    target("disable-forwarding", "KF511", main(11, DISABLED, ENABLED)),
    target("disable-forwarding-alone", "KF511", main(10, DISABLED, ENABLED)),
    target("disable-forwarding-and-allow-no", "KF511", main(11, DISABLED, ENABLED), changes=2),
    # in another place
    target("allow-tcp-forwarding-no-dropin", "KF510", Line(DROP_IN, 3, NO, REMOTE)),
    target("allow-tcp-forwarding-no-two-lines", "KF510", Line(DROP_IN, 3, NO, REMOTE)),
    target("allow-tcp-forwarding-no-crlf", "KF510", Line(DROP_IN, 3, NO, REMOTE)),
    target("allow-tcp-forwarding-no-nested", "KF510", Line("/etc/ssh/company/forwards.conf", 2, NO, REMOTE)),
    target("disable-forwarding-dropin", "KF511", Line(DROP_IN, 1, DISABLED, ENABLED)),
    target("dropin-order", "KF510", Line(DROP_IN, 3, NO, REMOTE)),
    target("include-at-the-end", "KF510", main(10, NO, REMOTE)),
    target("appended-to-the-end", "KF510", main(10, NO, REMOTE)),
    # in a Match block
    target("allow-tcp-forwarding-no-match-user", "KF510", main(13, IN + NO, IN + REMOTE)),
    target("allow-tcp-forwarding-no-match-include", "KF510",
           Line(f"{FOLDER}/60-people.conf", 2, f"  {NO}", f"  {REMOTE}")),
    target("match-group", "KF510", main(12, IN + NO, IN + REMOTE)),
    target("match-address", "KF510", main(12, IN + NO, IN + REMOTE)),
    target("match-local-port", "KF510", main(12, IN + NO, IN + REMOTE)),
    target("match-negated", "KF510", main(12, IN + NO, IN + REMOTE)),
    target("match-all", "KF510", main(14, IN + NO, IN + REMOTE)),
    target("match-several", "KF510", main(14, IN + NO, IN + REMOTE)),
    target("match-disable-forwarding", "KF511", main(12, IN + DISABLED, IN + ENABLED)),
    target("match-permit-listen", "KF512",
           main(12, f"{IN}PermitListen 127.0.0.1:5556", f"{IN}PermitListen 127.0.0.1:5556 {HERE}")),
    target("two-names", "KF510", main(12, IN + NO, IN + REMOTE)),
    # of another daemon, or not as on disk
    target("another-name", "KF510", main(10, NO, REMOTE)),
    target("relative-file", "KF510", incurable=UNSEEN),
    target("several-options", "KF510",
           Line(BY_SSHD, None, "-o AllowTcpForwarding=no", "-o AllowTcpForwarding=remote"), changes=2,
           by_hand=RESTART),
    target("other-file", "KF510", Line(OTHER_FILE, 3, NO, REMOTE)),
    target("another-daemon", "KF510", Line(OTHER_FILE, 3, NO, REMOTE)),
    target("super-server+allow-tcp-forwarding-no", "KF510", main(10, NO, REMOTE), certainty="candidates",
           by_hand=f"sed -i 's/{NO}/{REMOTE}/' {MAIN}"),
    target("allow-tcp-forwarding-no-option", "KF510",
           Line(BY_SSHD, None, "-o AllowTcpForwarding=no", "-o AllowTcpForwarding=remote"),
           by_hand=RESTART),
    target("allow-tcp-forwarding-no-loaded", "KF518", mute="KF510", by_hand=RELOAD),
    # out of the login's sight
    target("allow-tcp-forwarding-no-unreadable", "KF510", incurable=UNSEEN),
    target("unreadable-folder", "KF510", incurable=UNSEEN),
    target("compliance-dropin", "KF510", incurable=UNSEEN),
    target("compliance-dropin", "KF510", Line(COMPLIANCE, 2, NO, REMOTE),
           user="root"),
    target("allow-tcp-forwarding-no-unreadable+sudo-for-sshd", "KF510", main(10, NO, REMOTE)),
    target("unreadable-folder+sudo-for-sshd", "KF510", Line(DROP_IN, 3, NO, REMOTE)),
    target("allow-tcp-forwarding-no-unreadable+sudo-for-nothing", "KF510", incurable=UNSEEN),
    # PermitListen
    target("permit-listen-none", "KF512", main(10, "PermitListen none", f"PermitListen {HERE}")),
    *(target(f"permit-listen-{name}", "KF512", main(10, f"PermitListen {value}", f"PermitListen {value} {HERE}"))
      for name, value in (("localhost", "localhost:5555"), ("capitals", "LOCALHOST:5555"), ("ipv6", "[::1]:5555"),
                          ("any-address", "0.0.0.0:5555"), ("5556", "5556"), ("two-lines", "5556"))),
    target("permit-listen-and-allow-no", "KF510", main(11, NO, REMOTE), changes=2),
    target("allow-tcp-forwarding-no+key-permitlisten-other", "KF510", main(10, NO, REMOTE), changes=2),
    # authorized_keys
    target("key-restrict", "KF501", key("restrict", "restrict,port-forwarding")),
    target("key-no-port-forwarding", "KF501", key("no-port-forwarding,no-X11-forwarding", "no-X11-forwarding")),
    target("key-capitals", "KF501", key("No-Port-Forwarding", "")),
    target("key-restrict-permitlisten", "KF501",
           key('restrict,permitlisten="127.0.0.1:5555",permitopen="*:22"',
               'restrict,port-forwarding,permitlisten="127.0.0.1:5555",permitopen="*:22"')),
    target("key-permitlisten-localhost", "KF513",
           key('permitlisten="localhost:5555"', 'permitlisten="localhost:5555",permitlisten="127.0.0.1:5555"')),
    target("key-permitlisten-other", "KF513",
           key('permitlisten="127.0.0.1:5556",permitlisten="127.0.0.1:80"',
               'permitlisten="127.0.0.1:5556",permitlisten="127.0.0.1:80",permitlisten="127.0.0.1:5555"')),
    target("key-twice", "KF501", key("restrict", "restrict,port-forwarding")),
    target("key-and-config", "KF501", key("restrict", "restrict,port-forwarding"), changes=2),
    target("key-elsewhere", "KF501", Line("/etc/ssh/keys/deploy", 2, "restrict", "restrict,port-forwarding")),
    target("key-by-command", "KF501",
           Line("the output of /usr/local/bin/keys %h/.ssh/authorized_keys", 2, "", ""), certainty="keyword",
           by_hand="sed -i s/restrict/restrict,port-forwarding/ /usr/local/bin/keys"),
    target("key-cloud-image", "KF502", user="root", shell=False, incurable="the host is right: ssh.user has to change"),
    target("certificate-trusted", "KF501", Line("the certificate", None, "", ""), certainty="keyword",
           home=UNFORWARDED, incurable=CERTIFICATE),
    target("certificate-authority-line", "KF501", home=UNFORWARDED,
           incurable=CERTIFICATE),
    target("certificate-authority-restricted", "KF501",
           key("cert-authority,restrict", "cert-authority,restrict,port-forwarding"), home={"certificate": ""}),
    # the port
    target("port-in-use", "KF520", by_hand=FREE),
    target("port-in-use-docker-proxy", "KF520", by_hand=FREE),
    target("port-in-use-dual-stack", "KF520", by_hand=FREE),
    target("port-in-use-by-login", "KF520", by_hand=FREE),
    target("port-held-by-forward", "KF521", mute="KF520", by_hand=FREE),
    target("no-loopback", "KF523", says="no address 127.0.0.1", candidate="log",
           by_hand="ip addr add 127.0.0.1/8 dev lo"),
    target("address-family-inet6", "KF523", main(10, "AddressFamily inet6", "AddressFamily any"),
           certainty="candidates", candidate="AddressFamily", by_hand=f"sed -i /AddressFamily/d {MAIN}"),
    target("no-data", "KF601", shell=False, by_hand="ip rule del pref 5"),
    target("shell-kills", "KF602", shell=False, incurable="what ends the connection can't be seen"),
    # the account
    target("password-expired", "KF514", by_hand=shadow("s/:0:0:99999/:19000:0:99999/")),
    target("account-expired", "KF305", shell=False, by_hand=shadow("s/:1:$/::/")),
    target("chroot-unsafe", "KF305", shell=False, by_hand=without("Chroot")),
    target("root-forced-commands-only", "KF305", user="root", shell=False, by_hand=without("PermitRootLogin")),
    target("wants-two-keys", "KF303", shell=False, by_hand=without("AuthenticationMethods")),
    target("wants-password-too", "KF303", shell=False, by_hand=without("AuthenticationMethods")),
    target("max-auth-tries", "KF304", shell=False, home=MANY_KEYS, incurable="the agent has too many keys"),
    target("login-refused", "KF302", shell=False, candidate="authorized_keys", incurable="it lacks the deployer's key"),
    target("user-not-allowed", "KF302", shell=False, candidate="AllowUsers", by_hand=without("AllowUsers")),
    target("user-denied", "KF302", shell=False, candidate="DenyUsers", by_hand=without("DenyUsers")),
    target("group-not-allowed", "KF302", shell=False, candidate="AllowGroups", by_hand=without("AllowGroups")),
    target("root-not-allowed", "KF302", user="root", shell=False, candidate="PermitRootLogin",
           by_hand=without("PermitRootLogin")),
    target("no-public-keys", "KF307", shell=False, by_hand=without("PubkeyAuthentication")),
    target("key-type-refused", "KF302", shell=False, candidate="PubkeyAcceptedAlgorithms", by_hand=without("Pubkey")),
    target("account-locked", "KF302", shell=False, candidate="locked", by_hand=shadow("s/:!:/:*:/")),
    target("shell-missing", "KF302", shell=False, candidate="shell", incurable="the shell has to be installed"),
    target("folder-writable", "KF302", shell=False, candidate="StrictModes", by_hand="chmod 700 /home/deploy/.ssh"),
    target("key-from-elsewhere", "KF302", shell=False, candidate="from=", by_hand=f"sed -i 's/from=[^ ]*//' {KEYS}"),
    target("key-expired", "KF302", shell=False, candidate="expiry-time", by_hand=f"sed -i 's/expiry[^ ]*//' {KEYS}"),
    # what serves there
    target("down", "KF202", shell=False, by_hand=START),
    target("host-key-changed", "KF211", shell=False, incurable="known_hosts has to change, once the key was compared"),
    target("not-ssh", "KF206", shell=False, incurable="what listens there is not sshd"),
    target("dropbear-no-remote", "KF519", candidate="dropbear -k", by_hand=NEW_DROPBEAR),
    target("dropbear+key-restrict", "KF519", candidate="authorized_keys", by_hand=f"sed -i 's/^restrict //' {KEYS}"),
    # no fault
    *(target(fault, WORKS, kamal="pass", shell=False) for fault in (
        "permit-listen-glob", "least-of-all", "match-another", "match-allows", "key-least-of-all",
        "port-in-use-ipv6-only", "super-server", "dropbear", "sudo-for-nothing",
    )),
)  # fmt: skip

WEB = "web-1:22"
JUMPS = (
    jump("allow-tcp-forwarding-no", "KF410", main(10, NO, LOCAL)),
    jump("allow-tcp-forwarding-remote", "KF410", main(10, REMOTE, YES)),
    jump("allow-tcp-forwarding-no-dropin", "KF410", Line(DROP_IN, 3, NO, LOCAL)),
    jump("allow-tcp-forwarding-no-match-user", "KF410", main(13, IN + NO, IN + LOCAL)),
    jump("match-address", "KF410", main(12, IN + NO, IN + LOCAL)),
    jump("match-disable-forwarding", "KF411", main(12, IN + DISABLED, IN + ENABLED)),
    jump("disable-forwarding", "KF411", main(11, DISABLED, ENABLED)),
    jump("disable-forwarding-and-allow-no", "KF411", main(11, DISABLED, ENABLED), changes=2),
    jump("other-file", "KF410", Line(OTHER_FILE, 3, NO, LOCAL)),
    jump("allow-tcp-forwarding-no-option", "KF410",
         Line(BY_SSHD, None, "-o AllowTcpForwarding=no", "-o AllowTcpForwarding=local"), by_hand=RESTART),
    jump("allow-tcp-forwarding-no-loaded", "KF418", mute="KF410", by_hand=RELOAD),
    jump("allow-tcp-forwarding-no-unreadable", "KF419", candidate="AllowTcpForwarding", incurable=UNSEEN),
    jump("compliance-dropin+sudo-for-sshd", "KF410", Line(COMPLIANCE, 2, NO, LOCAL)),
    jump("two-names", "KF410", main(12, IN + NO, IN + LOCAL)),
    jump("odd-characters", "KF410", main(11, f"{NO} # gr\ufffd\ufffder \f", f"{LOCAL} # gr\ufffd\ufffder \f")),
    jump("permit-open-none", "KF412", main(10, "PermitOpen none", f"PermitOpen {WEB}")),
    *(jump(f"permit-open-{name}", "KF412", main(10, f"PermitOpen {value}", f"PermitOpen {value} {WEB}"))
      for name, value in (("other", "10.9.9.9:22"), ("glob", "web-*:22 1*:22"), ("other-port", "*:2222"),
                          ("address", " ".join(f"198.51.100.{n}:22" for n in range(11, 15))),
                          ("two-lines", "10.9.9.9:22"))),
    jump("key-restrict", "KF401", key("restrict", "restrict,port-forwarding", "ops")),
    jump("key-permitopen-other", "KF413",
         key('permitopen="10.9.9.9:22"', f'permitopen="10.9.9.9:22",permitopen="{WEB}"', "ops")),
    jump("key-permitopen-glob", "KF413",
         key('permitopen="web-*:22"', f'permitopen="web-*:22",permitopen="{WEB}"', "ops")),
    jump("certificate-trusted", "KF401", Line("the certificate", None, "", ""), certainty="keyword", home=UNFORWARDED,
         incurable=CERTIFICATE),
    jump("password-expired", "KF414", by_hand=shadow("s/:0:0:99999/:19000:0:99999/")),
    jump("user-denied", "KF301", shell=False, candidate="DenyUsers", by_hand=without("DenyUsers")),
    jump("group-not-allowed", "KF301", shell=False, candidate="AllowGroups", by_hand=without("AllowGroups")),
    jump("account-expired", "KF305", shell=False, by_hand=shadow("s/:1:$/::/")),
    jump("wants-two-keys", "KF303", shell=False, by_hand=without("AuthenticationMethods")),
    jump("too-many-logins", "KF205", shell=False, by_hand="kill $(pgrep perl)"),
    jump("dropbear-no-local", "KF419", candidate="dropbear -j", by_hand=NEW_DROPBEAR),
    jump("permit-open-port", WORKS, kamal="pass", shell=False),
    jump("dropbear", WORKS, kamal="pass", shell=False),
)  # fmt: skip

SECONDS = (
    second("allow-tcp-forwarding-no", "KF410", main(10, NO, LOCAL)),
    second("allow-tcp-forwarding-no-dropin", "KF410", Line(DROP_IN, 3, NO, LOCAL)),
    second("allow-tcp-forwarding-no-match-user", "KF410", main(13, IN + NO, IN + LOCAL)),
    second("disable-forwarding", "KF411", main(11, DISABLED, ENABLED)),
    second("permit-open-other", "KF412", main(10, "PermitOpen 10.9.9.9:22", f"PermitOpen 10.9.9.9:22 {WEB}")),
    second("key-no-port-forwarding", "KF401", key("no-port-forwarding,no-X11-forwarding", "no-X11-forwarding", "ops")),
    second("user-not-allowed", "KF301", shell=False, candidate="AllowUsers", by_hand=without("AllowUsers")),
    second("down", "KF202", shell=False, by_hand=START),
)  # fmt: skip

ROWS = (*TARGETS, *JUMPS, *SECONDS)
