"""Whether the broker is there."""

from shared.messaging.amqp.connection import CONNECTION_FAULTS, connect


def broker_answers(url: str) -> bool:
    """Whether RabbitMQ lets us in now; known within CONNECT_SECONDS."""
    try:
        connect(url, "probe").close()
    except CONNECTION_FAULTS:
        return False
    return True
