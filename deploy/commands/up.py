"""`medtown up`: the whole platform in one process."""

import ipaddress
import signal
import socket
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import click

from deploy.refusals import CommandRefused, WriterEnded
from shared import config as configuration
from shared.config import Config

if TYPE_CHECKING:
    from deploy.embedded import Embedded

GATEWAY_THREADS = 64


@click.command(help="Run the whole platform here, in one process, until Ctrl-C.")
def command() -> None:
    from deploy.demo import marker
    from shared.observability import logs

    config = configuration.load()
    if config.distributed:
        raise CommandRefused(
            "MEDTOWN_AMQP_URL is set: run `medtown serve ...`, or unset it to run in one process"
        )
    logs.configure(config.log_level if config.log_level != "info" else "warning", "medtown")
    first_start = not config.data.exists() or not any(config.data.iterdir())
    wants_demo = config.demo and (first_start or marker.is_pending(config))
    if marker.exists(config) and not _is_loopback(config.host):
        raise CommandRefused(
            f"{config.data} holds demo accounts, which work on this machine alone; "
            "set MEDTOWN_HOST to 127.0.0.1 or MEDTOWN_DATA to another folder"
        )
    _serve(config, seed=wants_demo and _is_loopback(config.host))


def _serve(config: Config, *, seed: bool) -> None:
    from deploy.embedded import Embedded
    from deploy.gateway_threads import bind

    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    # The port is taken first: without it, nothing of the rest is of use.
    with closing(bind(config)) as bound:
        embedded = Embedded(config)
        embedded.failed = stop.set
        try:
            embedded.start()
            # The demo comes in before anything is served, so that nobody sees half of it.
            if seed:
                _seed(config, embedded, stop)
            if not stop.is_set():
                _answer(config, embedded, bound, stop)
            click.echo("Stopping ...")
        finally:
            embedded.stop()
    if embedded.has_failed:
        raise WriterEnded


def _seed(config: Config, embedded: "Embedded", stop: threading.Event) -> None:
    """Bring in the demo data, or what there is time for before `stop`; the next start goes on."""
    from deploy.demo.seed import seed_demo

    def check(rows: int) -> None:
        if stop.is_set():
            raise _Stopped

    click.echo("Bringing in the demo data ...")
    with suppress(_Stopped):
        seed_demo(config, embedded.client, check)


def _answer(config: Config, embedded: "Embedded", bound: socket.socket, stop: threading.Event) -> None:
    from deploy.demo import marker
    from deploy.gateway_threads import GatewayServer
    from deploy.health import healthy

    with (
        healthy(config, "medtown", None, checks=embedded.ready_checks()),
        GatewayServer(config, embedded, bound, threads=GATEWAY_THREADS) as server,
    ):
        click.echo(f"MedTOWN runs at {server.address}   (Ctrl-C stops it)")
        for line in marker.sign_in_lines(config):
            click.echo(line)
        stop.wait()


class _Stopped(Exception):
    """Asked to stop while the demo data came in."""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
