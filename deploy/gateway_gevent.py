"""The gateway's application inside a gunicorn worker that gevent has patched."""

from flask import Flask

from deploy.collecting import collect_seldom
from gateway.app import create_app
from shared import config as configuration
from shared.messaging.amqp.client import AmqpClient
from shared.messaging.blocking_gevent import install_gevent
from shared.messaging.coalescing import CoalescingWriter
from shared.observability import logs

PARTITION = 0


def application() -> Flask:
    """Built once in each worker, with connections of its own."""
    config = configuration.load()
    logs.configure(config.log_level, "gateway")
    install_gevent()
    client = AmqpClient(config.amqp_url, name="gateway")
    app = create_app(config, client, CoalescingWriter(client, PARTITION))
    collect_seldom()
    return app
