"""Serves the tables of services on RabbitMQ with nameko, until asked to stop.

For the main of a process that called `prepare_eventlet` first.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import eventlet
from nameko.constants import (
    ACCEPT_CONFIG_KEY,
    AMQP_URI_CONFIG_KEY,
    HEARTBEAT_CONFIG_KEY,
    MAX_WORKERS_CONFIG_KEY,
    SERIALIZER_CONFIG_KEY,
)
from nameko.runners import ServiceRunner

from shared.auth.tokens import Verifier
from shared.messaging.amqp import topology
from shared.messaging.amqp.connection import HEARTBEAT_SECONDS
from shared.messaging.amqp.events import EventEntrypoint, EventListener
from shared.messaging.amqp.rpc import CallEntrypoint
from shared.messaging.dispatch import Dispatcher
from shared.messaging.service import Service
from shared.observability.logs import get_logger

DEFAULT_WORKERS = 10
STOP_SECONDS = 20.0
"""How long calls and events in hand may take to end after a signal; then they are cut off."""

log = get_logger(__name__)


def serve(
    services: Sequence[tuple[Service, Any]],
    url: str,
    verifier_for: Callable[[Service], Verifier],
    on_ready: Callable[[], None] | None = None,
    *,
    max_workers: int = DEFAULT_WORKERS,
    retry_delays_seconds: Sequence[float] = topology.RETRY_DELAYS_SECONDS,
) -> None:
    """Answer the calls and handle the events of the services, each with its resources, until SIGTERM or
    SIGINT.

    Waits for a broker that is away, at the start and later. `on_ready` is called once all queues are
    consumed. At most `max_workers` calls and events are in hand at once, for each service. Journals are not
    consumed here but by `JournalConsumer`. Raises what ended a service unasked.
    """
    runner = ServiceRunner(
        {
            AMQP_URI_CONFIG_KEY: url,
            HEARTBEAT_CONFIG_KEY: HEARTBEAT_SECONDS,
            MAX_WORKERS_CONFIG_KEY: max_workers,
            SERIALIZER_CONFIG_KEY: "json",
            ACCEPT_CONFIG_KEY: ["json"],
        }
    )
    for service, resources in services:
        dispatcher = Dispatcher(service, resources, verifier_for(service))
        runner.add_service(nameko_class(dispatcher, retry_delays_seconds))
    stop_on_signals(runner)
    runner.start()
    if on_ready is not None:
        on_ready()
    log.info("serving", services=[service.name for service, _ in services])
    _wait(runner)


def nameko_class(dispatcher: Dispatcher, retry_delays_seconds: Sequence[float]) -> type:
    """The class that nameko runs for a service: a method for each call and each kind of event."""
    service = dispatcher.service
    attributes: dict[str, Any] = {
        "name": service.name,
        "table": service,
        "retry_delays_seconds": tuple(retry_delays_seconds),
    }
    for call in service.calls:
        attributes[call] = CallEntrypoint.decorator(_call_method(dispatcher, call))
    for key, handler in service.events.items():
        listener = EventListener(service.name, key, handler, dispatcher.resources, retry_delays_seconds)
        name = "on_" + key.replace(".", "_")
        attributes[name] = EventEntrypoint.decorator(listener)(_event_method(listener))
    return type(service.name, (), attributes)


def _call_method(dispatcher: Dispatcher, call: str) -> Callable[[Any, Mapping[str, Any]], dict[str, Any]]:
    def method(self: Any, message: Mapping[str, Any]) -> dict[str, Any]:
        return dispatcher.handle(call, message)

    return method


def _event_method(listener: EventListener) -> Callable[[Any, Any], str]:
    def method(self: Any, event: Any) -> str:
        return listener.handle(event)

    return method


def stop_on_signals(runner: ServiceRunner) -> None:
    """Let SIGTERM and SIGINT stop the runner: gently, and after a while not so."""

    def stop(*_: Any) -> None:
        # A signal's handler runs inside eventlet's loop, which must not block.
        eventlet.spawn_n(runner.stop)
        eventlet.spawn_after(STOP_SECONDS, runner.kill)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _wait(runner: ServiceRunner) -> None:
    waiting = eventlet.spawn(runner.wait)
    while True:
        try:
            waiting.wait()
            return
        except InterruptedError:
            continue  # a signal met the main green thread while it waited
