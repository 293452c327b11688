"""The files of an installation that follow from the tables of the services, written by `make manifests`."""

import json
from pathlib import Path

from deploy.installing.broker import definitions
from deploy.installing.compose import compose
from deploy.installing.database import databases_sql
from deploy.installing.prometheus import configuration

ROOT = Path(__file__).resolve().parents[2]


def manifests() -> dict[Path, str]:
    """What each of the files must hold."""
    return {
        ROOT / "docker-compose.yml": compose(),
        ROOT / "deploy/rabbitmq/definitions.json": json.dumps(definitions(), indent=2) + "\n",
        ROOT / "deploy/postgres/databases.sql": databases_sql(),
        ROOT / "deploy/prometheus/prometheus.yml": configuration(),
    }


if __name__ == "__main__":
    for path, content in manifests().items():
        path.write_text(content)
