# One image recipe for every service: docker build --build-arg SERVICE=ingest .
# Bases are pinned by version; what is installed is pinned and hashed in requirements.lock.

FROM python:3.13.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/millrace
COPY requirements.lock ./
RUN python -m venv /srv/venv \
    && /srv/venv/bin/pip install --require-hashes --only-binary :all: -r requirements.lock
COPY libs libs
COPY services services
COPY cli cli
COPY sandbox sandbox
# The workspace's packages come by one .pth file, as in a checkout: no build back end, nothing copied twice.
RUN ls -d /srv/millrace/*/src /srv/millrace/*/*/src > "$(/srv/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/millrace-workspace.pth" \
    && /srv/venv/bin/python -m compileall -q /srv/millrace

FROM python:3.13.11-slim-bookworm
ARG SERVICE
ARG COMMIT=""
RUN test -n "$SERVICE" || { echo "say which service: --build-arg SERVICE=ingest" >&2; exit 1; } \
    && useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin millrace \
    && install -d -o millrace -g millrace /var/lib/millrace
COPY --from=build /srv /srv
# The module of the service, decided when the image is built: the container needs no shell to start.
RUN echo "from runpy import run_module; run_module('${SERVICE}', run_name='__main__', alter_sys=True)" > /srv/start.py
ENV PATH=/srv/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PORT=8080 MILLRACE_HOST=0.0.0.0 MILLRACE_HOME=/var/lib/millrace MILLRACE_COMMIT=$COMMIT LOG_FORMAT=json
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/livez', timeout=2)"]
ENTRYPOINT ["python", "/srv/start.py"]
