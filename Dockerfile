FROM python:3.13-slim-trixie AS build

# pip and what builds our package stay behind in an environment of their own.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/kamal-forward-check

COPY requirements.txt requirements-build.txt /src/
RUN /build/bin/python -I -m pip install --no-cache-dir --no-deps --require-hashes -r /src/requirements-build.txt \
    && /build/bin/python -I -m pip --python /opt/kamal-forward-check/bin/python install \
    --no-cache-dir --no-deps --require-hashes -r /src/requirements.txt

COPY pyproject.toml LICENSE /src/
COPY schema /src/schema
COPY src /src/src
RUN /build/bin/python -I -m pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir /wheels /src \
    && /build/bin/python -I -m pip --python /opt/kamal-forward-check/bin/python install \
    --no-cache-dir --no-index --no-deps /wheels/*.whl

FROM python:3.13-slim-trixie

# ssh, for what ssh.proxy_command of a deploy.yml calls and for Kamal's own way through a jump; the check itself dials
# with its own library.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openssh-client \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

COPY --from=build /opt/kamal-forward-check /opt/kamal-forward-check
COPY entrypoint.py /opt/kamal-forward-check/

# An absolute interpreter and -I: a workflow's PATH and PYTHON* variables, and the workspace, come in from outside.
ENTRYPOINT ["/opt/kamal-forward-check/bin/python", "-I", "/opt/kamal-forward-check/entrypoint.py"]
