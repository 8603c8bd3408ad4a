"""What sshd says: to the client in passing (RFC 4253 §11.3), and in a server's own log."""

from __future__ import annotations

from kamal_forward_check.log.symptom import CHECK, Cause, Reply, Speaker, Step, Symptom, Where, says
from kamal_forward_check.log.symptoms.causes import LISTEN
from kamal_forward_check.sshd import wire

_CONFIG = "sudo sshd -T -C user=USER,host=ADDRESS,addr=ADDRESS | grep -iE 'forwarding|permit(open|listen)'"

SYMPTOMS = (
    Symptom(
        "registry-exposed", Speaker.SSHD, Where.TARGET, Step.LISTEN,
        "{host} opens the registry's port to its whole network",
        says(wire.GATEWAY_OVERRIDE),
        proves="The forward is granted, and listens on every address, whatever Kamal asked for.",
        causes=(Cause("GatewayPorts yes in sshd_config: no, or clientspecified", "KF701"),),
        stops=False,
    ),
    Symptom(
        "sshd-denied-listen", Speaker.SSHD, Where.TARGET, Step.LISTEN,
        "the server's log: PermitListen denied the forward",
        says("to remote forward to host {host} port {port}, but the request was denied"),
        proves="Forwarding is on; a list leaves this address and port out. Text is compared with text.",
        causes=tuple(cause for cause in LISTEN if cause.reply is Reply.UNLISTED),
        settle=_CONFIG,
    ),
    Symptom(
        "sshd-denied-open", Speaker.SSHD, Where.JUMP, Step.FORWARD,
        "the server's log: PermitOpen denied the way on",
        says("to connect to host {host} port {port}, but the request was denied"),
        proves="Forwarding is on; a list leaves the next hop out, as Kamal spells it.",
        causes=(
            Cause("PermitOpen in sshd_config", "KF412"),
            Cause("permitopen in authorized_keys", "KF413"),
        ),
        settle=_CONFIG,
    ),
    Symptom(
        "sshd-refused-open", Speaker.SSHD, Where.JUMP, Step.FORWARD,
        "the server's log: forwarding is off for this login",
        says("refused local port forward: originator {any} target {host} port {port}"),
        proves="No list was asked: forwarding as a whole is off for the key or for the user.",
        causes=(
            Cause("AllowTcpForwarding is no or remote", "KF410"),
            Cause("DisableForwarding is yes", "KF411"),
            Cause("restrict or no-port-forwarding in authorized_keys", "KF401"),
            Cause("the user's password has expired", "KF414"),
        ),
        settle=_CONFIG,
    ),
    Symptom(
        "sshd-port-in-use", Speaker.SSHD, Where.TARGET, Step.LISTEN,
        "the server's log: the port is held by something else",
        says("bind [{host}]:{port}: Address already in use"),
        proves="sshd allows the forward; another listener has the port.",
        causes=(
            Cause("a program or a container", "KF520"),
            Cause("the forward of another deploy: then it is sshd that listens", "KF521"),
        ),
        settle="sudo ss -ltnp 'sport = :PORT'   # on the server",
    ),
    Symptom(
        "sshd-port-forbidden", Speaker.SSHD, Where.TARGET, Step.LISTEN,
        "the server's log: the user may not bind the port",
        says("bind [{host}]:{port}: Permission denied"),
        proves="sshd allows the forward; the system does not let the user have the port.",
        causes=(
            Cause("the port is below 1024, and the user is not root", "KF522"),
            Cause("SELinux", "KF523"),
        ),
        settle="sudo ausearch -m avc -ts recent   # on the server, for SELinux",
    ),
    Symptom(
        "sshd-cannot-listen", Speaker.SSHD, Where.TARGET, Step.LISTEN,
        "the server's log: the port can't be bound",
        says("cannot listen to port: {port}"),
        proves="sshd allows the forward, and could not listen.",
        causes=tuple(cause for cause in LISTEN if cause.reply is Reply.NOTHING),
        settle="sudo ss -ltnp 'sport = :PORT'   # on the server",
        follows=("sshd-port-in-use", "sshd-port-forbidden"),
    ),
    Symptom(
        "sshd-startups", Speaker.SSHD, Where.HOST, Step.REACH,
        "the server's log: too many logins at once",
        says("past MaxStartups", "Exceeded MaxStartups"),
        proves="sshd dropped connections: more logins were unfinished than it allows.",
        causes=(Cause("MaxStartups 30:50:100 on the server", "KF205"),),
        settle="sudo sshd -T | grep -i maxstartups",
    ),
    Symptom(
        "sshd-penalty", Speaker.SSHD, Where.HOST, Step.REACH,
        "the server's log: the address is being punished",
        says("drop connection #{any} penalty: ", "Not allowed at this time"),
        proves="sshd closes connections from this address for a while, for what happened earlier (PerSourcePenalties).",
        causes=(Cause("wait, and end what fails: a port scan, a wrong key that is tried over and over", "KF205"),),
        settle="sudo journalctl -u ssh -u sshd --since -1h | grep -i penalty",
    ),
    Symptom(
        "sshd-user", Speaker.SSHD, Where.HOST, Step.LOGIN,
        "the server's log: the user may not log in",
        says("User {user} from {host} not allowed because", "ROOT LOGIN REFUSED FROM",
             "Invalid user {user} from {host} port",
             "Authentication refused: bad ownership or modes for {any}", "by PAM account configuration"),
        proves="The key may be right: the line says what shuts the user out.",
        causes=(
            Cause("on a target: ssh.user, AllowUsers, PermitRootLogin, the shell, the folder's mode", "KF302"),
            Cause("on a jump: the user in ssh.proxy, and the same settings", "KF301"),
        ),
        settle=CHECK,
    ),
    Symptom(
        "sshd-chroot", Speaker.SSHD, Where.HOST, Step.LOGIN,
        "the server's log: ChrootDirectory has the wrong owner",
        says("bad ownership or modes for chroot directory {any}"),
        proves="sshd ends the session right after the login; all folders up to it must be root's alone.",
        causes=(Cause("chown root and chmod 755 that folder, or leave the user out of ChrootDirectory", "KF305"),),
        settle="namei -l CHROOT   # on the server",
    ),
)  # fmt: skip
