"""For each rule a set of plain facts that it fires for, and the builders of such facts."""

from __future__ import annotations

from dataclasses import replace

from kamal_forward_check.model import (
    Answers,
    Aside,
    AsideAnswer,
    Beside,
    Cause,
    Forwarding,
    Heard,
    Hop,
    HopTrace,
    HostKey,
    LoginTrace,
    OwnPort,
    Problem,
    ProblemKind,
    Role,
    Severity,
    Span,
    Stage,
)
from kamal_forward_check.rules import Facts
from kamal_forward_check.sshd import net_ssh
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED, PERMIT_REFUSED
from tests.rules.files import FAR, LOCAL, SERVERS, of_file
from tests.sshd.said import said
from tests.sshd.seen import JUMP, OFF, TARGET, config, granted, hop, refused, stopped, through, trace


def of_target(seen: HopTrace, *before: HopTrace) -> Facts:
    return Facts(traces=(trace(*(before or (through(),)), seen),))


def of_jump(seen: HopTrace) -> Facts:
    return Facts(traces=(trace(seen, HopTrace(TARGET)),))


def problem(kind: ProblemKind) -> Facts:
    return Facts(problems=(Problem(kind, Severity.ERROR, "a text", Span("config/deploy.yml", 3), hint="do this"),))


def stops(stage: Stage, cause: Cause, *, at: Role = Role.TARGET, heard: Heard | None = None) -> Facts:
    seen = stopped(TARGET if at is Role.TARGET else JUMP, stage, cause, "its words", heard=heard)
    return of_target(seen) if at is Role.TARGET else of_jump(seen)


def logged_in(at: Hop, login: LoginTrace, cause: Cause = Cause.LOGIN_REFUSED) -> Facts:
    seen = replace(stopped(at, Stage.LOGIN, cause, "its words"), login=login)
    return of_target(seen) if at is TARGET else of_jump(seen)


def expired(seen: HopTrace) -> HopTrace:
    return replace(seen, not_asked="the login runs no command of ours: WARNING: Your password has expired.")


def beside(met: Beside) -> Facts:
    return of_target(replace(granted(), beside=frozenset({met})))


def directly(direct: HopTrace, key: HostKey) -> Facts:
    """A target that refuses behind its jump, and what it did without: as `direct`, with this key."""
    walked = trace(through(), replace(OF_LISTEN, host_key=SHOWN))
    return Facts(traces=(replace(walked, direct=replace(direct, host_key=key)),))


KEYS = "/home/deploy/.ssh/authorized_keys"
WITHHELD, LIMITED = f"{KEYS}:3: key options: pty", f"{KEYS}:3: key options: permitlisten permitopen port-forwarding"
LOCKED = "/root/.ssh/authorized_keys:1: key options: command"
SHOWN = HostKey("ssh-ed25519", "SHA256:abc", "web-1 ssh-ed25519 AAAA", known=False)
LISTS = config("PermitListen 1", "PermitOpen a:1", values={"permitlisten": "*:1", "permitopen": "a:1"})
IDLE = config("AllowTcpForwarding no", values={"allowtcpforwarding": "no", "unusedconnectiontimeout": "60"})
OFF_AND_BUSY = config("AllowTcpForwarding no", values={"allowtcpforwarding": "no", "maxstartups": "0:30:100"})
OF_LISTEN = refused(TARGET, FORWARDING_DISABLED, said=OFF)
AIRPLAY = OwnPort("127.0.0.1", 5000, Answers.OTHER, "answers HTTP 403, Server: AirTunes/700.1.1")
HERE = Forwarding(needed=True, port=5000, reason="", at=Span("config/deploy.yml", 12))
DISABLED = config("DisableForwarding yes", values={"disableforwarding": "yes"})
PROPOSAL = net_ssh.proposal({})
TAKES = replace(TARGET, proposes=PROPOSAL)
UNTOLD = {Aside.OTHER_PORT: AsideAnswer(granted=False)}

ROWS: dict[str, Facts] = {
    "KF101": problem(ProblemKind.SYNTAX),
    "KF102": problem(ProblemKind.TEMPLATE),
    "KF103": problem(ProblemKind.UNKNOWN_KEY),
    "KF104": problem(ProblemKind.WRONG_TYPE),
    "KF105": problem(ProblemKind.MISSING),
    "KF106": problem(ProblemKind.WRONG_VALUE),
    "KF107": problem(ProblemKind.TOO_NEW),
    "KF108": problem(ProblemKind.KAMAL_1),
    "KF109": problem(ProblemKind.OPAQUE),
    "KF110": of_file(FAR.replace("ghcr.io", "127.0.0.1:5555") + SERVERS),
    "KF111": of_file(LOCAL.replace("localhost:5555", "localhost:0") + SERVERS),
    "KF112": of_file(LOCAL.replace("5555'", "5555', username: a") + SERVERS),
    "KF113": of_file(LOCAL + SERVERS + "accessories: {db: {image: mysql, host: a, port: 5555}}\n"),
    "KF114": of_file(
        LOCAL.replace("amd64", "amd64, local: false, remote: 'ssh://h'") + SERVERS + "ssh: {user: deploy}\n"
    ),
    "KF115": of_file(FAR + "servers: [a, 10]\n"),
    "KF116": of_file(LOCAL + "servers: [deploy@a]\n"),
    "KF117": of_file(FAR + "servers: ['::1']\nssh: {proxy: ops@b}\n"),
    "KF120": of_file(FAR + SERVERS + "ssh: {proxy: b}\n"),
    "KF121": of_file(FAR + SERVERS + "ssh: {proxy: 'ops@a,b'}\n"),
    "KF122": of_file(FAR + SERVERS + "ssh: {proxy: 'ops@::1'}\n"),
    "KF123": of_file(FAR + SERVERS + "ssh: {proxy: ops@b, config: [a]}\n"),
    "KF124": of_file(FAR + SERVERS + "ssh: {proxy: ops@b, keys: [a]}\n"),
    "KF125": of_file(FAR + SERVERS + "ssh: {proxy_command: 'x %n'}\n"),
    "KF126": of_file(FAR + SERVERS + "ssh: {key_data: [GONE]}\n"),
    "KF201": stops(Stage.REACH, Cause.NAME_UNKNOWN),
    "KF202": stops(Stage.REACH, Cause.REFUSED),
    "KF203": stops(Stage.REACH, Cause.TIMED_OUT),
    "KF204": stops(Stage.REACH, Cause.NO_ROUTE),
    "KF205": stops(Stage.REACH, Cause.CLOSED_EARLY, heard=Heard(before_banner=("Exceeded MaxStartups",))),
    "KF206": stops(Stage.REACH, Cause.NOT_SSH),
    "KF207": of_target(
        replace(
            stopped(TAKES, Stage.REACH, Cause.NO_COMMON_ALGORITHM, "KexAlgorithms"),
            heard=Heard(algorithms=replace(PROPOSAL, kex=("curve25519-sha256", "kex-strict-s-v00@openssh.com"))),
        )
    ),
    "KF208": stops(Stage.REACH, Cause.PROXY_COMMAND),
    "KF209": of_target(
        replace(stopped(TARGET, Stage.LISTEN, Cause.LISTEN_DENIED, "127.0.0.1:5555"), heard=Heard("SSH-2.0-Tailscale"))
    ),
    "KF210": stops(Stage.HOST_KEY, Cause.HOST_KEY_UNKNOWN, at=Role.JUMP),
    "KF211": stops(Stage.HOST_KEY, Cause.HOST_KEY_CHANGED),
    "KF220": of_target(replace(granted(), host_key=SHOWN)),
    "KF230": of_target(replace(granted(), stages=(replace(granted().stages[0], ms=11_000.0), *granted().stages[1:]))),
    "KF301": stops(Stage.LOGIN, Cause.LOGIN_REFUSED, at=Role.JUMP),
    "KF302": stops(Stage.LOGIN, Cause.LOGIN_REFUSED),
    "KF303": stops(Stage.LOGIN, Cause.LOGIN_PARTIAL),
    "KF304": stops(Stage.LOGIN, Cause.TOO_MANY_FAILURES),
    "KF305": stops(Stage.LOGIN, Cause.LOST),
    "KF306": stops(Stage.LOGIN, Cause.TIMED_OUT),
    "KF307": logged_in(TARGET, LoginTrace(("~/.ssh/id SHA256:x",), methods=("password",))),
    "KF308": logged_in(JUMP, LoginTrace(("~/.ssh/id SHA256:x",), methods=("publickey",), would_open="~/.ssh/deploy")),
    "KF309": logged_in(TARGET, LoginTrace(("agent: me SHA256:x",), ("agent: me",)), Cause.UNSIGNED),
    "KF310": of_target(granted(), replace(through(), opened_by_identity=True)),
    "KF401": of_jump(refused(JUMP, key=WITHHELD)),
    "KF402": of_jump(refused(hop(Role.JUMP, "bastion", "root"), key=LOCKED)),
    "KF410": of_jump(refused(JUMP, said=OFF)),
    "KF411": of_jump(refused(JUMP, said=DISABLED)),
    "KF412": of_jump(refused(JUMP, said=LISTS)),
    "KF413": of_jump(refused(JUMP, key=LIMITED, said=config() | {"key": 'permitopen="a:1"'})),
    "KF414": of_jump(expired(refused(JUMP))),
    "KF418": of_jump(refused(JUMP, said=config())),
    "KF419": of_jump(refused(JUMP)),
    "KF501": of_target(refused(TARGET, FORWARDING_DISABLED, key=WITHHELD)),
    "KF502": of_target(refused(hop(user="root"), FORWARDING_DISABLED, key=LOCKED)),
    "KF510": of_target(refused(TARGET, FORWARDING_DISABLED, said=said("allow-tcp-forwarding-no-dropin"))),
    "KF511": of_target(refused(TARGET, FORWARDING_DISABLED, said=DISABLED)),
    "KF512": of_target(refused(TARGET, PERMIT_REFUSED, said=LISTS)),
    "KF513": of_target(refused(TARGET, PERMIT_REFUSED, key=LIMITED, said=config() | {"key": 'permitlisten="1"'})),
    "KF514": of_target(expired(refused(TARGET, FORWARDING_DISABLED))),
    "KF518": of_target(refused(TARGET, FORWARDING_DISABLED, said=config())),
    "KF519": of_target(refused(TARGET, FORWARDING_DISABLED)),
    "KF520": of_target(refused(TARGET, said=said("port-in-use"))),
    "KF521": of_target(refused(TARGET, said=said("port-held-by-forward"), busy=True)),
    "KF522": Facts(traces=(trace(refused(TARGET), port=555),)),
    "KF523": of_target(refused(TARGET, asides=UNTOLD)),
    "KF601": stops(Stage.DATA, Cause.NO_DATA),
    "KF602": stops(Stage.LISTEN, Cause.LOST),
    "KF603": beside(Beside.OTHER_ON_IPV6),
    "KF610": replace(of_target(granted()), own_port=(AIRPLAY,), forwarding=HERE),
    "KF701": of_target(granted(TARGET, 'Forwarding listen address "127.0.0.1" overridden by server GatewayPorts')),
    "KF710": of_target(replace(granted(), no_commands="the login runs nothing")),
    "KF711": beside(Beside.NO_DOCKER),
    "KF712": beside(Beside.DOCKER_ELSEWHERE),
    "KF720": of_target(refused(TARGET, FORWARDING_DISABLED, said=OFF | IDLE)),
    "KF730": of_jump(refused(JUMP, said=OFF_AND_BUSY)),
    "KF801": directly(granted(), SHOWN),
    "KF802": directly(OF_LISTEN, SHOWN),
    "KF803": directly(OF_LISTEN, replace(SHOWN, fingerprint="SHA256:other")),
    "KF901": stops(Stage.LOGIN, Cause.UNEXPECTED),
}
