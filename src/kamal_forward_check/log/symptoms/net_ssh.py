"""What net-ssh says, with which Kamal dials the targets, and Ruby under it."""

from __future__ import annotations

from kamal_forward_check.log.symptom import Cause, Speaker, Step, Symptom, Where, says
from kamal_forward_check.log.symptoms.causes import CLOSED, TARGET_LOGIN

PROXY_COMMAND = "the command of ssh.proxy_command, by hand: its first line has to begin with SSH-2.0-"

SYMPTOMS = (
    Symptom(
        "login-refused", Speaker.NET_SSH, Where.TARGET, Step.LOGIN,
        "{host} refuses the login of {user}",
        says("Authentication failed for user {user}@{host}"),
        proves="{host} was reached and its key accepted; none of the keys that were offered opened it.",
        causes=TARGET_LOGIN,
    ),
    Symptom(
        "password-prompt", Speaker.NET_SSH, Where.TARGET, Step.LOGIN,
        "a password is asked for, and nobody is there to type it",
        says("{kamal}Inappropriate ioctl for device", "{kamal}undefined method 'chomp' for nil",
             "{kamal}undefined method `chomp' for nil",
             "{user}@{host}'s password:"),
        proves="No key opened the host, and net-ssh (or ssh) fell back to a password.",
        causes=TARGET_LOGIN,
    ),
    Symptom(
        "too-many-keys", Speaker.NET_SSH, Where.TARGET, Step.LOGIN,
        "{host} hung up before the right key was offered",
        says("disconnected: Too many authentication failures"),
        proves="The agent holds more keys than the server's MaxAuthTries lets anyone try.",
        causes=(Cause("offer fewer: ssh.keys with keys_only: true, or fewer keys in the agent", "KF304"),),
    ),
    Symptom(
        "host-key-changed", Speaker.NET_SSH, Where.TARGET, Step.HOST_KEY,
        "{host} shows another host key than known_hosts has",
        says('fingerprint {word} does not match for "{host}"', "Net::SSH::HostKeyMismatch"),
        proves="known_hosts has a key of another fingerprint for this host; net-ssh stops there, as it should.",
        causes=(
            Cause("the host was set up anew, or its address belongs to another machine now", "KF211"),
            Cause("known_hosts was written by ssh-keyscan -H: SSHKit can lose keys of hashed names", "KF211"),
        ),
        settle="ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   # on the host's console: compare first",
    ),
    Symptom(
        "host-key-unknown", Speaker.NET_SSH, Where.TARGET, Step.HOST_KEY,
        "the key of {host} is not in known_hosts, and new keys are not accepted",
        says('fingerprint {word} is unknown for "{host}"', "Net::SSH::HostKeyUnknown"),
        proves="ssh_config says StrictHostKeyChecking yes for this host, and known_hosts does not have it.",
        causes=(Cause("pin the key in known_hosts, after comparing it", "KF210"),),
    ),
    Symptom(
        "no-algorithm", Speaker.NET_SSH, Where.TARGET, Step.REACH,
        "net-ssh and {host} have no {word} algorithm in common",
        says("could not settle on {word} algorithm"),
        proves="An SSH server answers, and allows only what net-ssh does not know; ssh by hand may well work.",
        causes=(
            Cause("the server allows only newer ones: it has to allow one that net-ssh knows, such as "
                  "ecdh-sha2-nistp256, aes256-gcm@openssh.com, hmac-sha2-256", "KF207"),
        ),
    ),
    Symptom(
        "connection-ended", Speaker.NET_SSH, Where.TARGET, Step.REACH,
        "{host} closed the connection before the login was done",
        says("{kamal}connection closed by remote host"),
        proves="Something took the connection and ended it; which end of a proxy command did so does not show.",
        causes=(
            *CLOSED,
            Cause("the proxy command opens a shell, not SSH: aws ssm start-session needs --document-name "
                  "AWS-StartSSHSession --parameters portNumber=%p", "KF208"),
            Cause("the server ends the login: PAM, a ChrootDirectory with wrong owners, /etc/nologin", "KF305"),
        ),
    ),
    Symptom(
        "connection-reset", Speaker.NET_SSH, Where.TARGET, Step.REACH,
        "the connection to {host} was reset",
        says("{kamal}Connection reset by peer"),
        proves="Something answered, and cut the connection.",
        causes=(*CLOSED, Cause("an idle connection that a firewall forgot, during a long build", "KF602")),
    ),
    Symptom(
        "closed-stream", Speaker.NET_SSH, Where.TARGET, Step.LISTEN,
        "the connection to {host} ended right after the login",
        says("{kamal}closed stream"),
        proves="The connection was there, and the other side ended it before the forward stood.",
        causes=(
            Cause("the server ends the session: a ChrootDirectory with wrong owners, PAM, a limit", "KF305"),
            Cause("Cloudflare Access for Infrastructure: it allows no port forwarding and no agent forwarding"),
            Cause("the connection ended while the forward was asked for", "KF602"),
        ),
    ),
    Symptom(
        "connection-idle", Speaker.NET_SSH, Where.TARGET, Step.DATA,
        "the connection to {host} broke while Kamal worked",
        says("{kamal}Broken pipe", "{kamal}IO::TimeoutError",
             "client_loop: send disconnect: Broken pipe", "{kamal}Numerical result out of range - send(2)",
             "Timeout, server {host} not responding."),
        proves="The login had worked; later nothing came through any more.",
        causes=(
            Cause("a firewall or NAT forgets idle connections: ClientAliveInterval 30 on the server", "KF602"),
            Cause("the server ends idle sessions: UnusedConnectionTimeout, ChannelTimeout", "KF720"),
        ),
    ),
    Symptom(
        "direct-refused", Speaker.NET_SSH, Where.TARGET, Step.REACH,
        "{host} refuses connections on port {port}",
        says("{kamal}Connection refused - connect(2) for {host}:{port}"),
        proves="The machine answers, and nothing listens on that port.",
        causes=(Cause("ssh.port is another, or sshd does not run", "KF202"),),
    ),
    Symptom(
        "direct-no-route", Speaker.NET_SSH, Where.TARGET, Step.REACH,
        "there is no way to {host}",
        says("{kamal}No route to host - connect(2) for {host}:{port}",
             "{kamal}Network is unreachable - connect(2) for {host}:{port}"),
        proves="The network says that this address can't be reached from the deploying machine.",
        causes=(Cause("a private address needs ssh.proxy; IPv6 needs an IPv6 network", "KF204"),),
    ),
    Symptom(
        "direct-timed-out", Speaker.NET_SSH, Where.TARGET, Step.REACH,
        "{host} does not answer",
        says("{kamal}Connection timed out - connect(2) for {host}:{port}",
             "{kamal}Operation timed out - connect(2) for {host}:{port}",
             "Net::SSH::ConnectionTimeout"),
        proves="Packets to the host vanish.",
        causes=(Cause("firewall, security group, a wrong address, or a host that is down", "KF203"),),
    ),
    Symptom(
        "name-unknown", Speaker.NET_SSH, Where.TARGET, Step.REACH,
        "the name of {host} can't be resolved",
        says("{kamal}getaddrinfo: Name or service not known", "{kamal}getaddrinfo(3): Name or service not known",
             "{kamal}getaddrinfo: nodename nor servname provided",
             "{kamal}getaddrinfo(3): nodename nor servname provided",
             "{kamal}getaddrinfo: Temporary failure in name resolution",
             "{kamal}getaddrinfo(3): Temporary failure in name resolution"),
        proves="Kamal passes the host's text on as it stands, and it has no address here.",
        causes=(
            Cause("a wrong name, or one that only the servers' network knows", "KF201"),
            Cause("host:port, [v6] or user@host in servers: Kamal's commands take it, its forward does not; use "
                  "ssh.port and ssh.user", "KF116"),
        ),
    ),
    Symptom(
        "not-ssh", Speaker.NET_SSH, Where.TARGET, Step.REACH,
        "what answers for {host} does not speak SSH",
        says("{kamal}expected REPLY",
             "banner line contains invalid characters"),
        proves="The connection stands, and what came through it is not SSH.",
        causes=(
            Cause("the proxy command opens a shell: aws ssm start-session needs --document-name AWS-StartSSHSession",
                  "KF208"),
            Cause("a web server or a load balancer listens on that port", "KF206"),
        ),
    ),
    Symptom(
        "proxy-command-token", Speaker.NET_SSH, Where.FILE, Step.FILE,
        "ssh.proxy_command has a token that net-ssh does not know: %{word}",
        says("{kamal}unknown key: {word}"),
        proves="net-ssh fills in %h, %p, %r and %%, and stops at everything else.",
        causes=(Cause("write the value itself in place of the token", "KF125"),),
        settle="kamal-forward-check validate",
    ),
    Symptom(
        "proxy-program-missing", Speaker.NET_SSH, Where.HERE, Step.REACH,
        "the program of ssh.proxy_command is not installed: {word}",
        says("{kamal}No such file or directory - {word}: "),
        proves="The deploying machine has no such program on its PATH; no host was asked.",
        causes=(Cause("install it in the workflow, before Kamal runs", "KF208"),),
        settle=PROXY_COMMAND,
    ),
    Symptom(
        "proxy-uri", Speaker.NET_SSH, Where.FILE, Step.FILE,
        "ssh.proxy can't be read",
        says("{kamal}bad URI"),
        proves="net-ssh reads each jump as a URI: user@host:port. A bare IPv6 address or a second @ is none.",
        causes=(Cause("give the jump a name in ssh_config, and write that name", "KF122"),),
        settle="kamal-forward-check validate",
    ),
    Symptom(
        "key-type", Speaker.NET_SSH, Where.HERE, Step.KEYS,
        "net-ssh can't use this kind of key",
        says("unsupported key type `{word}'", "unsupported key type '{word}'", "net-ssh requires the following gems"),
        proves="The key was found, and net-ssh can't read or use it.",
        causes=(
            Cause("the gems ed25519 and bcrypt_pbkdf are missing: run the bundled Kamal (bin/kamal)"),
            Cause("a FIDO key (-sk): net-ssh knows none, use another"),
        ),
        settle="ssh-keygen -lf KEYFILE",
    ),
    Symptom(
        "key-data", Speaker.NET_SSH, Where.HERE, Step.KEYS,
        "ssh.key_data can't be read as a key",
        says("{kamal}undefined method `public_key' for an instance of OpenSSL::PKey::PKey",
             "{kamal}undefined method 'public_key' for an instance of OpenSSL::PKey::PKey",
             "{kamal}Could not parse PKey: unsupported"),
        proves="net-ssh got a text that is no key it can read.",
        causes=(
            Cause("a PKCS#8 key (BEGIN PRIVATE KEY), as 1Password gives: export it in the OpenSSH format", "KF126"),
            Cause("the secret's name in place of its value: the secrets file was not found, or Kamal is before 2.10"),
            Cause(r"\n in the secret in place of real line ends"),
        ),
        settle="kamal secrets print | grep -c 'BEGIN OPENSSH PRIVATE KEY'",
    ),
)  # fmt: skip
