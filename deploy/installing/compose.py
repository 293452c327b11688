"""docker-compose.yml, from the list of processes: an entry each, with secrets and networks of its own."""

from collections.abc import Iterable
from pathlib import Path

from deploy.installing.processes import Process, everything, migrations, owner_role, running, tools
from deploy.installing.secrets import (
    AMQP_URL,
    DATABASE_URL,
    DEFINITIONS,
    GRAFANA_PASSWORD,
    KEYS,
    PASSWORDS,
    SUPERUSER_PASSWORD,
)
from deploy.services import SERVICES
from shared.auth.keys import TRUSTED_FILE

MOUNTED = "/run/secrets"
BLOBS = "/var/lib/medtown/blobs"
BLOBS_OWNER = "toolbox"
DATABASES = "databases"

HEAD = """\
# MedTOWN as separate processes: docs/operating.md tells how. Written by `make manifests`: change
# deploy/installing/compose.py instead. Secrets are files of ./secrets (deploy/docker/make-secrets.sh).
name: medtown

x-guarded: &guarded
  restart: unless-stopped
  read_only: true
  tmpfs: [/tmp]
  cap_drop: [ALL]
  security_opt: [no-new-privileges:true]
  logging: {driver: local}
  mem_limit: ${MEDTOWN_MEMORY:-1g}
  pids_limit: 500

x-once: &once
  <<: *guarded
  image: medtown:${MEDTOWN_VERSION:-local}
  restart: on-failure:5
  # A step that ends has no health.
  healthcheck: {disable: true}

x-process: &process
  <<: *guarded
  image: medtown:${MEDTOWN_VERSION:-local}
  stop_grace_period: 40s
  healthcheck:
    test: [CMD, python, /app/deploy/docker/healthy.py]
    interval: 10s
    timeout: 8s
    retries: 3
    start_period: 60s

x-settings: &settings
  MEDTOWN_AMQP_URL_FILE: /run/secrets/amqp-url
  MEDTOWN_KEYS: /run/secrets/keys
  MEDTOWN_METRICS_HOST: 0.0.0.0
  MEDTOWN_METRICS_PORT: "9100"
  MEDTOWN_LOG_LEVEL: ${MEDTOWN_LOG_LEVEL:-info}

services:
  rabbitmq:
    image: rabbitmq:3.13.7
    hostname: rabbitmq
    user: rabbitmq
    restart: unless-stopped
    cap_drop: [ALL]
    security_opt: [no-new-privileges:true]
    logging: {driver: local}
    mem_limit: ${RABBITMQ_MEMORY:-1g}
    pids_limit: 1000
    volumes:
      - rabbitmq:/var/lib/rabbitmq
      - ./deploy/rabbitmq/rabbitmq.conf:/etc/rabbitmq/rabbitmq.conf:ro
      - ./deploy/rabbitmq/enabled_plugins:/etc/rabbitmq/enabled_plugins:ro
    secrets:
      - {source: rabbitmq-definitions, target: definitions.json}
    networks: [bus]
    healthcheck:
      test: [CMD, rabbitmq-diagnostics, -q, check_port_connectivity]
      interval: 15s
      timeout: 15s
      retries: 4
      start_period: 60s
    stop_grace_period: 60s

  postgres:
    image: postgres:15.13-bookworm
    user: postgres
    restart: unless-stopped
    cap_drop: [ALL]
    security_opt: [no-new-privileges:true]
    logging: {driver: local}
    mem_limit: ${POSTGRES_MEMORY:-2g}
    pids_limit: 1000
    shm_size: 256mb
    read_only: true
    tmpfs: [/tmp, "/var/run/postgresql:uid=999,gid=999,mode=0775"]
    environment:
      POSTGRES_PASSWORD_FILE: /run/secrets/superuser-password
      POSTGRES_INITDB_ARGS: --encoding=UTF8 --locale=C.UTF-8 --auth-host=scram-sha-256 --data-checksums
    volumes:
      - postgres:/var/lib/postgresql/data
    secrets:
      - {source: postgres-superuser-password, target: superuser-password}
    networks: [store]
    healthcheck:
      test: [CMD, pg_isready, --host=127.0.0.1, --username=postgres]
      interval: 5s
      timeout: 5s
      retries: 6
      start_period: 30s
    stop_grace_period: 60s

  # Roles and databases: runs at every start and changes nothing that is there.
  databases:
    <<: *guarded
    image: postgres:15.13-bookworm
    user: postgres
    restart: on-failure:5
    healthcheck: {disable: true}
    entrypoint: [/bin/sh, /sql/databases.sh]
    environment:
      PGHOST: postgres
      PGPORT: "5432"
      PGUSER: postgres
      SUPERUSER_PASSWORD_FILE: /run/secrets/superuser-password
      PASSWORDS_FILE: /run/secrets/passwords.sql
    volumes:
      - ./deploy/postgres:/sql:ro
    secrets:
      - {source: postgres-superuser-password, target: superuser-password}
      - {source: postgres-passwords, target: passwords.sql}
    networks: [store]
    depends_on:
      postgres: {condition: service_healthy}
"""

WATCHING = """\

  prometheus:
    <<: *guarded
    image: prom/prometheus:v2.53.4
    user: nobody
    command:
      - --config.file=/etc/prometheus/prometheus.yml
      - --storage.tsdb.path=/prometheus
      - --storage.tsdb.retention.time=30d
    volumes:
      - ./deploy/prometheus/prometheus.yml:/etc/prometheus/prometheus.yml:ro
      - ./deploy/prometheus/alerts.yml:/etc/prometheus/alerts.yml:ro
      - prometheus:/prometheus
    networks: [bus, front]
    ports:
      - 127.0.0.1:${PROMETHEUS_PORT:-9090}:9090
    healthcheck:
      test: [CMD, wget, -q, --spider, "http://127.0.0.1:9090/-/ready"]
      interval: 15s
      timeout: 5s
      retries: 4
      start_period: 30s

  grafana:
    <<: *guarded
    image: grafana/grafana:11.6.3
    user: grafana
    environment:
      GF_SECURITY_ADMIN_PASSWORD__FILE: /run/secrets/admin-password
      GF_USERS_ALLOW_SIGN_UP: "false"
      GF_ANALYTICS_REPORTING_ENABLED: "false"
      GF_ANALYTICS_CHECK_FOR_UPDATES: "false"
    volumes:
      - ./deploy/grafana/provisioning:/etc/grafana/provisioning:ro
      - ./deploy/grafana/boards:/var/lib/grafana/boards:ro
      - grafana:/var/lib/grafana
    secrets:
      - {source: grafana-admin-password, target: admin-password}
    networks: [front]
    ports:
      - 127.0.0.1:${GRAFANA_PORT:-3000}:3000
    depends_on:
      prometheus: {condition: service_healthy}
    healthcheck:
      test: [CMD, wget, -q, --spider, "http://127.0.0.1:3000/api/health"]
      interval: 15s
      timeout: 5s
      retries: 4
      start_period: 60s
"""

NETWORKS = """\

# Only the gateway, Prometheus and Grafana can be reached from outside; the last two from this machine alone.
networks:
  front:
  bus: {internal: true}
  store: {internal: true}

volumes:
  rabbitmq:
  postgres:
  prometheus:
  grafana:
  blobs:
"""


def compose() -> str:
    """The whole file."""
    parts = [HEAD]
    parts += [_migration(service, step) for service, step in migrations().items()]
    parts += [_process(process) for process in running().values()]
    parts += [_tool(process) for process in tools().values()]
    parts += [_backups()]
    parts += [WATCHING, NETWORKS, _secrets()]
    return "".join(parts)


def _migration(service: str, step: str) -> str:
    lines = [
        "<<: *once",
        # The first in the file builds the image that all others run.
        *(_build() if service == next(iter(SERVICES)) else ()),
        f"command: [migrate, --service, {service}, --grant]",
        "environment:",
        f"  MEDTOWN_DATABASE_URL_FILE: {MOUNTED}/{DATABASE_URL}",
        "secrets:",
        f"  - {{source: {step}-{DATABASE_URL}, target: {DATABASE_URL}}}",
        "networks: [store]",
        "depends_on:",
        "  databases: {condition: service_completed_successfully}",
    ]
    return _entry(step, lines, f"as {owner_role(service)}")


def _build() -> Iterable[str]:
    return ("build:", "  context: .", "  dockerfile: deploy/docker/Dockerfile")


def _process(process: Process) -> str:
    gateway = not process.service
    lines = [
        "<<: *process",
        f"command: [{', '.join(process.arguments)}]",
        *_environment(process),
        *_secret_lines(process),
        *_volumes(process),
        f"networks: [{', '.join(_networks(process))}]",
        *(("ports:", "  - ${MEDTOWN_PUBLISH:-127.0.0.1:8000}:8000") if gateway else ()),
        *_depends(process),
    ]
    return _entry(process.name, lines)


def _tool(process: Process) -> str:
    lines = [
        "<<: *once",
        'restart: "no"',
        "profiles: [tools]",
        f"command: [{', '.join(process.arguments) or '--help'}]",
        *_environment(process),
        *_secret_lines(process),
        f"networks: [{', '.join(_networks(process))}]",
        *_depends(process),
    ]
    return _entry(process.name, lines)


def _backups() -> str:
    """Backups and restores: as the owners of all databases, beside the files of documents, with all keys to
    read, which a backup holds.
    """
    keys = {"trusted": TRUSTED_FILE, **{f"{issuer}-key": f"{issuer}.key" for issuer in _issuers()}}
    lines = [
        "<<: *once",
        'restart: "no"',
        "profiles: [tools]",
        "command: [--help]",
        "environment:",
        f"  MEDTOWN_DATABASE_URLS: {MOUNTED}/{DATABASES}",
        f"  MEDTOWN_KEYS: {MOUNTED}/{KEYS}",
        f"  MEDTOWN_BLOBS: {BLOBS}",
        "secrets:",
        *(
            f"  - {{source: {step}-{DATABASE_URL}, target: {MOUNTED}/{DATABASES}/{service}}}"
            for service, step in migrations().items()
        ),
        *(f"  - {{source: {source}, target: {MOUNTED}/{KEYS}/{file}}}" for source, file in keys.items()),
        "volumes:",
        f"  - blobs:{BLOBS}",
        "networks: [store]",
        "depends_on:",
        *(f"  {step}: {{condition: service_completed_successfully}}" for step in migrations().values()),
    ]
    return _entry("backups", lines, "as the owners of all databases")


def _environment(process: Process) -> list[str]:
    lines = ["environment:"]
    if process.user:
        lines.append("  <<: *settings")
    if process.service:
        lines.append(f"  MEDTOWN_DATABASE_URL_FILE: {MOUNTED}/{DATABASE_URL}")
    if process.name == "gateway":
        lines += [
            "  MEDTOWN_HOST: 0.0.0.0",
            '  MEDTOWN_PORT: "8000"',
            "  MEDTOWN_PUBLIC_URL: ${MEDTOWN_PUBLIC_URL:-}",
        ]
    if _has_blobs(process):
        lines.append(f"  MEDTOWN_BLOBS: {BLOBS}")
    return lines


def _has_blobs(process: Process) -> bool:
    """Whether it reads or writes uploaded files."""
    return BLOBS_OWNER in SERVICES and (process.name == "gateway" or process.service == BLOBS_OWNER)


def _volumes(process: Process) -> list[str]:
    return ["volumes:", f"  - blobs:{BLOBS}"] if _has_blobs(process) else []


def _secret_lines(process: Process) -> list[str]:
    given = []
    if process.user:
        given.append((f"{process.name}-{AMQP_URL}", AMQP_URL))
        given.append(("trusted", f"{MOUNTED}/{KEYS}/{TRUSTED_FILE}"))
    if process.service:
        given.append((f"{process.name}-{DATABASE_URL}", DATABASE_URL))
    given += [(f"{issuer}-key", f"{MOUNTED}/{KEYS}/{issuer}.key") for issuer in process.keys]
    return ["secrets:", *(f"  - {{source: {source}, target: {target}}}" for source, target in given)]


def _networks(process: Process) -> list[str]:
    networks = ["bus"] if process.user else []
    if process.service:
        networks.append("store")
    if process.name == "gateway":
        networks.append("front")
    return networks


def _depends(process: Process) -> list[str]:
    lines = ["depends_on:"]
    if process.user:
        lines.append("  rabbitmq: {condition: service_healthy}")
    if process.service:
        lines.append(f"  {migrations()[process.service]}: {{condition: service_completed_successfully}}")
    return lines


def _issuers() -> list[str]:
    """Those whose private keys there are."""
    return sorted({issuer for process in everything().values() for issuer in process.keys})


def _secrets() -> str:
    files: dict[str, Path] = {
        "rabbitmq-definitions": DEFINITIONS,
        "postgres-superuser-password": SUPERUSER_PASSWORD,
        "postgres-passwords": PASSWORDS,
        "grafana-admin-password": GRAFANA_PASSWORD,
        "trusted": KEYS / TRUSTED_FILE,
    }
    for issuer in _issuers():
        files[f"{issuer}-key"] = KEYS / f"{issuer}.key"
    for step in migrations().values():
        files[f"{step}-{DATABASE_URL}"] = Path(step, DATABASE_URL)
    for process in everything().values():
        if process.user:
            files[f"{process.name}-{AMQP_URL}"] = Path(process.name, AMQP_URL)
        if process.service:
            files[f"{process.name}-{DATABASE_URL}"] = Path(process.name, DATABASE_URL)
    lines = [f"  {name}: {{file: ./secrets/{path}}}" for name, path in files.items()]
    return "\nsecrets:\n" + "\n".join(lines) + "\n"


def _entry(name: str, lines: Iterable[str], remark: str = "") -> str:
    comment = f"  # {remark}" if remark else ""
    return f"\n  {name}:{comment}\n" + "".join(f"    {line}\n" for line in lines)
