FROM python:3.13-slim-trixie

# ssh for whatever ssh.proxy_command of a deploy.yml calls; the check itself dials with its own library.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openssh-client \
    && rm -rf /var/lib/apt/lists/*

RUN python3 -m venv /opt/kamal-forward-check
COPY requirements.txt requirements-build.txt /src/
RUN /opt/kamal-forward-check/bin/python -I -m pip install --no-cache-dir --no-deps --require-hashes \
    -r /src/requirements.txt -r /src/requirements-build.txt

COPY pyproject.toml LICENSE entrypoint.py /src/
COPY schema /src/schema
COPY src /src/src
RUN /opt/kamal-forward-check/bin/python -I -m pip install --no-cache-dir --no-index --no-deps --no-build-isolation /src \
    && cp /src/entrypoint.py /opt/kamal-forward-check/entrypoint.py \
    && rm -rf /src

# An absolute interpreter and -I: a workflow's PATH and PYTHON* variables, and the workspace, come in from outside.
ENTRYPOINT ["/opt/kamal-forward-check/bin/python", "-I", "/opt/kamal-forward-check/entrypoint.py"]
