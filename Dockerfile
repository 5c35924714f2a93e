# syntax=docker/dockerfile:1
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements-bootstrap.lock requirements.lock ./
# The installer stays in the build stage; what it installs goes into an environment of its own.
RUN pip install --no-cache-dir --require-hashes -r requirements-bootstrap.lock \
 && python -m venv --without-pip /venv \
 && uv pip sync --no-cache --require-hashes --python /venv/bin/python requirements.lock
COPY . .
RUN /venv/bin/python -m compileall -q service workers commands

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 aftercare && useradd --uid 10001 --gid aftercare --no-create-home --shell /usr/sbin/nologin aftercare \
 && install -d -o aftercare -g aftercare /app/var
COPY --from=build /venv /venv
COPY --from=build /app/service /app/service
COPY --from=build /app/workers /app/workers
COPY --from=build /app/commands /app/commands
COPY --from=build /app/sandbox /app/sandbox
COPY --from=build /app/templates /app/templates
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 AFTERCARE_HOST=0.0.0.0 AFTERCARE_PORT=8000
USER aftercare
EXPOSE 8000
STOPSIGNAL SIGTERM
# For the web process. Compose replaces it for the others, which answer no HTTP.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['AFTERCARE_PORT'] + '/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m", "commands.main"]
CMD ["web"]
