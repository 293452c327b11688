"""`medtown serve`: one process of a distributed installation.

Each process is replaced by the program that patches what it needs before anything else is imported.
"""

import os
import sys

import click

from deploy.refusals import CommandRefused
from deploy.services import SERVICES
from shared import config as configuration
from shared.config import ConfigError

PROCESSES = ("gateway", "ledger-writer", *SERVICES, "jobs")


@click.command(help="Run one process of a distributed installation, until SIGTERM.")
@click.argument("process", type=click.Choice(PROCESSES))
@click.option("--service", type=click.Choice(list(SERVICES)), help="Whose jobs to run.")
def command(process: str, service: str | None) -> None:
    config = configuration.load()
    if not config.distributed:
        raise ConfigError(
            "MEDTOWN_AMQP_URL is missing: processes of a distributed installation meet on RabbitMQ"
        )
    if (process == "jobs") != (service is not None):
        raise CommandRefused("--service names whose jobs to run: `medtown serve jobs --service ledger`")
    if process != "gateway":
        config.database_for(process)
    program = {"gateway": "deploy.serve_gateway", "jobs": "deploy.serve_jobs"}.get(
        process, "deploy.serve_calls"
    )
    os.execv(sys.executable, [sys.executable, "-m", program, service or process])
