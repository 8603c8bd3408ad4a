"""What Kamal itself says, and SSHKit for it."""

from __future__ import annotations

from kamal_forward_check.log.symptom import CHECK, Cause, Speaker, Step, Symptom, Where, says
from kamal_forward_check.log.symptoms.causes import LISTEN

VALIDATE = "kamal-forward-check validate"
OF_SSH = (
    "jump-refuses", "ssh-refused", "ssh-timed-out", "ssh-no-route", "jump-unknown-name", "ssh-host-key-unknown",
    "ssh-host-key-changed", "ssh-login-refused", "ssh-too-many-keys", "ssh-closed-early", "ssh-algorithms",
    "behind-refused", "behind-no-route", "behind-unknown-name", "behind-timed-out", "ssh-stdio-specification",
    "ssh-config-missing", "ssh-config-bad",
)  # fmt: skip
"""What ssh says where Kamal's way through a jump ends."""
REASONS = (
    *OF_SSH, "forward-refused", "proxy-program-missing", "proxy-command-token", "login-refused", "host-key-changed",
    "host-key-unknown", "no-algorithm", "connection-ended", "connection-reset", "closed-stream", "too-many-keys",
    "direct-refused", "direct-no-route", "direct-timed-out", "name-unknown", "not-ssh", "proxy-uri", "key-data",
)  # fmt: skip
"""Symptoms that say why a forward was not set up."""

SYMPTOMS = (
    Symptom(
        "forward-refused", Speaker.KAMAL, Where.TARGET, Step.LISTEN,
        "the forward is refused by {host}",
        says(
            "Failed to establish port forward on {host}",
            "remote forwarding request failed",  # 2.8.0
            "remote port forwarding failed for listen port {port}",  # ssh -R
        ),
        proves="The login on {host} works. It was asked to listen for the registry's port, and said no.",
        causes=LISTEN,
    ),
    Symptom(
        "forward-timed-out", Speaker.KAMAL, Where.TARGET, Step.LISTEN,
        "the forwards were not up within Kamal's 30 seconds",
        says("Timed out waiting for port forwarding to be established"),
        proves="At least one host neither granted the forward nor refused it in time; Kamal does not say which.",
        causes=(
            Cause("a host, or a jump before it, does not answer: firewall, security group, wrong address", "KF203"),
            Cause("a login hangs: UseDNS, a PAM module, a host without memory", "KF306"),
        ),
        follows=REASONS,
    ),
    Symptom(
        "jump-failed", Speaker.NET_SSH, Where.JUMP, Step.REACH,
        "the ssh that Kamal runs to go through {host} failed",
        says("command failed: ssh {any}-W {host}:{port} {jump}"),
        proves="The system's ssh ended before it reached the next hop. Its own words are missing from the log.",
        causes=(
            Cause("the jump forbids the forward", "KF410"),
            Cause("the jump's key is not in known_hosts, and nobody was there to confirm it", "KF210"),
            Cause("the jump refuses the login: ssh.keys of deploy.yml never reaches a jump", "KF301"),
            Cause("the jump, or the host behind it, can't be reached", "KF202"),
        ),
        follows=OF_SSH,
    ),
    Symptom(
        "registry-not-here", Speaker.NET_SSH, Where.HERE, Step.DATA,
        "no registry listens on the deploying machine",
        says('{kamal}Connection refused - connect(2) for "localhost" port {port}'),
        proves="The forward stood, a host sent data through it, and nothing listened on localhost of the machine that "
        "runs Kamal. The SSH servers are fine.",
        causes=(
            Cause("the container kamal-docker-registry does not run"),
            Cause("Kamal runs in a container of its own (devcontainer, the docker alias), whose localhost is another"),
            Cause("the registry's container keeps the port it was made with: kamal registry remove, then deploy"),
        ),
        settle="docker ps -a --filter name=kamal-docker-registry; curl -sS http://localhost:PORT/v2/",
    ),
    Symptom(
        "docker-group", Speaker.DOCKER, Where.HOST, Step.COMMANDS,
        "the user on {host} may not use Docker",
        says("permission denied while trying to connect to the Docker daemon socket",
             "permission denied while trying to connect to the docker API"),
        proves="Login and commands work; the user is not in the group docker. It is not the forward.",
        causes=(Cause("the user is not in the group docker, or was added after this login began"),),
        settle="sudo usermod -aG docker USER   # on the host; then log in anew",
    ),
    Symptom(
        "deploy-locked", Speaker.KAMAL, Where.HOST, Step.DEPLOY,
        "another deploy holds Kamal's lock",
        says("Deploy lock found"),
        proves="A deploy is under way, or one ended without letting the lock go.",
        causes=(
            Cause("another deploy runs: its forward holds the port as well", "KF521"),
            Cause("a deploy that was cut off left its lock: kamal lock release, once nobody deploys"),
        ),
        settle="kamal lock status",
    ),
    Symptom(
        "file-rejected", Speaker.KAMAL, Where.FILE, Step.FILE,
        "Kamal rejects deploy.yml",
        says("ERROR (Kamal::ConfigurationError): {any}", "Kamal::ConfigurationError: {any}"),
        proves="Kamal stopped while it read the file: no host was asked.",
        causes=(
            Cause("something that Kamal needs is missing", "KF105"),
            Cause("a key that it does not know", "KF103"),
            Cause("a value of the wrong type", "KF104"),
            Cause("a destination's file that is not merged in: deploy with -d"),
        ),
        settle=VALIDATE,
    ),
    Symptom(
        "file-missing", Speaker.KAMAL, Where.FILE, Step.FILE,
        "Kamal does not find its file",
        says("Configuration file not found in {word}"),
        proves="Kamal stopped before it read anything: no host was asked.",
        causes=(Cause("another folder, or a destination that has no file"),),
        settle="ls config/deploy*.yml",
    ),
    Symptom(
        "command-cannot-run", Speaker.HOST, Where.HOST, Step.COMMANDS,
        "the login on {host} can't run commands",
        says("This account is currently not available.", "This service allows sftp connections only.",
             "mkdir stderr: Nothing written"),
        proves="SSH works, and what runs there is not the command that Kamal asked for.",
        causes=(
            Cause("the user's shell is nologin or false", "KF710"),
            Cause("ForceCommand in sshd_config (internal-sftp, for one), or command= in authorized_keys", "KF710"),
        ),
        settle="ssh USER@HOST 'echo it runs'",
    ),
    Symptom(
        "no-sessions", Speaker.NET_SSH, Where.HOST, Step.COMMANDS,
        "{host} opens no session for commands",
        says("{kamal}open failed (2)"),
        proves="The login works, and sshd did not open the session that a command needs. A forward needs none.",
        causes=(Cause("MaxSessions in sshd_config is 0, or too low", "KF710"),),
        settle="sudo sshd -T | grep -i maxsessions   # on the host",
    ),
    Symptom(
        "cloud-image-root", Speaker.HOST, Where.HOST, Step.COMMANDS,
        "root may not be used on {host}: it is a cloud image",
        says('Please login as the user "{user}" rather than the user "{any}"'),
        proves="root's key runs this message in place of every command, and may not forward.",
        causes=(Cause("set ssh.user to the image's login user, and leave root's line as it is", "KF502"),),
        settle=CHECK,
    ),
    Symptom(
        "password-expired", Speaker.HOST, Where.HOST, Step.COMMANDS,
        "the user's password on {host} has expired",
        says("Your password has expired", "Password change required but no TTY available"),
        proves="The key is fine. Until the password is changed, PAM allows neither commands nor forwards.",
        causes=(Cause("on a target", "KF514"), Cause("on a jump", "KF414")),
        settle="sudo chage -l USER   # on the host",
    ),
)  # fmt: skip
