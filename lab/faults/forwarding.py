"""Lines of the main file of sshd that decide about forwards, in all their spellings."""

from __future__ import annotations

from lab.faults.registry import BOTH, JUMP, NEITHER, TARGET, fault, line
from lab.host import MAIN, Host

line("allow-tcp-forwarding-no", BOTH, "AllowTcpForwarding no")
line("allow-tcp-forwarding-local", (TARGET,), "AllowTcpForwarding local")
line("allow-tcp-forwarding-remote", (JUMP,), "AllowTcpForwarding remote")
line("disable-forwarding", BOTH, "AllowTcpForwarding yes", "DisableForwarding yes")
line("disable-forwarding-and-allow-no", BOTH, "AllowTcpForwarding no", "DisableForwarding yes")
line("disable-forwarding-alone", BOTH, "DisableForwarding yes")
line("forwarding-and-streamlocal-no", BOTH, "AllowTcpForwarding no", "AllowStreamLocalForwarding no")

# One line, written as people write it. Of two lines, sshd takes the first.
line("allow-tcp-forwarding-no-then-yes", BOTH, "AllowTcpForwarding no", "AllowTcpForwarding yes")
line("allow-tcp-forwarding-no-equals", BOTH, "allowtcpforwarding=NO")
line("allow-tcp-forwarding-no-quoted", BOTH, 'AllowTcpForwarding "no"')
line("allow-tcp-forwarding-no-tabs", BOTH, "\tAllowTcpForwarding\t no")
line("allow-tcp-forwarding-no-comment", BOTH, "AllowTcpForwarding no # CIS 5.2.20")

# PermitListen compares text with text, and globs; Kamal asks for 127.0.0.1
line("permit-listen-none", (TARGET,), "PermitListen none")
line("permit-listen-localhost", (TARGET,), "PermitListen localhost:5555")
line("permit-listen-capitals", (TARGET,), "PermitListen LOCALHOST:5555")
line("permit-listen-any-address", (TARGET,), "PermitListen 0.0.0.0:5555")
line("permit-listen-ipv6", (TARGET,), "PermitListen [::1]:5555")
line("permit-listen-5556", (TARGET,), "PermitListen 5556")
line("permit-listen-two-lines", (TARGET,), "PermitListen 5556", "PermitListen 127.0.0.1:5555")
line("permit-listen-and-allow-no", (TARGET,), "PermitListen 5556", "AllowTcpForwarding no")
line("permit-listen-exact", NEITHER, "PermitListen 127.0.0.1:5555")
line("permit-listen-glob", NEITHER, "PermitListen localhost:5555 127.0.0.*:5555")

# PermitOpen compares text with text, and has no globs
line("permit-open-none", (JUMP,), "PermitOpen none")
line("permit-open-other", (JUMP,), "PermitOpen 10.9.9.9:22")
line("permit-open-address", (JUMP,), f"PermitOpen {' '.join(f'198.51.100.{n}:22' for n in range(11, 15))}")
line("permit-open-glob", (JUMP,), "PermitOpen web-*:22 1*:22")
line("permit-open-other-port", (JUMP,), "PermitOpen *:2222")
line("permit-open-two-lines", (JUMP,), "PermitOpen 10.9.9.9:22", "PermitOpen *:22")
line("permit-open-port", NEITHER, "PermitOpen *:22")

line("gateway-ports", NEITHER, "GatewayPorts yes")
line("force-command", NEITHER, "ForceCommand /bin/false")
line("max-sessions-none", NEITHER, "MaxSessions 0")
line("least-of-all", NEITHER, "AllowTcpForwarding yes", "PermitListen 5555", "PermitOpen *:22", "GatewayPorts no")


@fault("odd-characters", BOTH)
def _odd_characters(host: Host) -> None:
    """Comments hold what is a line's end elsewhere, and bytes that are no UTF-8; the line ends in a form feed."""
    text = r"# a form feed \f, U+2028 \342\200\250, a return \r, and so on\nAllowTcpForwarding no # gr\366\337er \f\n"
    host.before.append(f"printf '{text}' >> {MAIN}")
