"""What Docker and buildx say, where the forward or the registry behind it is what they miss."""

from __future__ import annotations

from kamal_forward_check.log.symptom import CHECK, Cause, Speaker, Step, Symptom, Where, says
from kamal_forward_check.log.symptoms.kamal import REASONS

SYMPTOMS = (
    Symptom(
        "pull-refused", Speaker.DOCKER, Where.HOST, Step.DATA,
        "Docker on {host} finds no registry on its localhost",
        says('Get "http://localhost:{port}/v2/": dial tcp {any} connect: connection refused',
             'Get "https://localhost:{port}/v2/": dial tcp {any} connect: connection refused',
             'Get "http://localhost:{port}/v2/": EOF'),
        proves="No forward stood on the host at that moment. That [::1] is named proves nothing: Go names the first "
        "address that it tried.",
        causes=(
            Cause("Kamal 2.8.0 does not wait for the forward: use a newer one"),
            Cause("the forward was gone: the registry on the deploying machine did not answer", "KF610"),
            Cause("a command that opens no forward had to pull the image: kamal app exec without --reuse, for one"),
            Cause("rootless Docker or Docker Desktop on the host: its localhost is another", "KF712"),
        ),
        follows=("registry-not-here", *REASONS),
    ),
    Symptom(
        "push-refused", Speaker.BUILDX, Where.BUILDER, Step.BUILD,
        "the builder finds no registry on its localhost",
        says("failed to push localhost:{any} connect: connection refused",
             'failed to do request: Head "http://localhost:{any} connect: connection refused',
             'failed to do request: Head "https://localhost:{any} connect: connection refused'),
        proves="What pushes has no registry on its localhost; the servers were not asked yet.",
        causes=(
            Cause("kamal-docker-registry does not run; before Kamal 2.12.0, a remote builder does not start it"),
            Cause("the builder is a container with a network of its own: driver: docker, or network=host"),
            Cause("a remote builder whose forward does not stand: it knows no ssh.proxy and no ssh.keys", "KF114"),
        ),
        settle="docker ps -a --filter name=kamal-docker-registry; docker buildx ls",
        follows=REASONS,
    ),
    Symptom(
        "push-forbidden", Speaker.BUILDX, Where.HERE, Step.BUILD,
        "what answers on the registry's port is not the registry",
        says("failed to push localhost:{any}403 Forbidden"),
        proves="Something listens on that port of localhost, and refuses the push.",
        causes=(Cause("port 5000 on a Mac is AirPlay's: use 5555 in registry.server", "KF610"),),
        settle="curl -sSi http://localhost:5000/v2/",
    ),
    Symptom(
        "registry-port-taken", Speaker.DOCKER, Where.HERE, Step.BUILD,
        "the local registry can't have its port",
        says("driver failed programming external connectivity on endpoint kamal-docker-registry"),
        proves="On the deploying machine something holds the port, and the registry's container can't start.",
        causes=(Cause("another program or another app's registry: choose another port in registry.server", "KF610"),),
        settle="docker ps -a; lsof -nP -iTCP -sTCP:LISTEN",
    ),
    Symptom(
        "https-expected", Speaker.DOCKER, Where.HOST, Step.DATA,
        "Docker on {host} speaks HTTPS to a registry that has none",
        says("http: server gave HTTP response to HTTPS client"),
        proves="Docker takes plain HTTP from localhost and 127.0.0.0/8 only: the image names another registry.",
        causes=(Cause("registry.server is not localhost:PORT: Kamal lends that spelling alone", "KF110"),),
        settle="grep -nA2 'registry:' config/deploy.yml",
    ),
    Symptom(
        "no-docker", Speaker.DOCKER, Where.HOST, Step.COMMANDS,
        "no Docker daemon answers on {host}",
        says("Cannot connect to the Docker daemon at {word}"),
        proves="docker is installed, and its daemon does not run (or listens elsewhere). It is not the forward.",
        causes=(Cause("the daemon is stopped, or DOCKER_HOST names another socket"),),
        settle="sudo systemctl status docker",
    ),
    Symptom(
        "tailscale-check", Speaker.HOST, Where.HOST, Step.LOGIN,
        "Tailscale SSH wants somebody to confirm the login on {host}",
        says("Tailscale SSH requires an additional check"),
        proves="The server is Tailscale's, not OpenSSH: its own rules decide on logins and on forwards.",
        causes=(
            Cause("an access rule with action check: use accept for the deploy user"),
            Cause("remote forwards need Tailscale 1.44 or newer, or plain sshd over the tailnet", "KF519"),
        ),
        settle=CHECK,
    ),
)  # fmt: skip
