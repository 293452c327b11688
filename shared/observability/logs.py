"""Logs: one JSON line an event on standard error; a static event name, data in fields, the trace id on every
line.

Fields whose name says that they hold a secret or personal data are never written.
"""

import json
import logging
import sys
from typing import Any

from shared.contracts import clock
from shared.observability import trace

REDACTED = frozenset(
    {"password", "token", "tokens", "session", "authorization", "cookie", "email", "name", "secret"}
)


class Logger:
    """Writes events; `log.info("batch_committed", size=12)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: Any) -> None:
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: Any) -> None:
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, **fields: Any) -> None:
        self._logger.error(event, extra={"fields": fields})

    def exception(self, event: str, **fields: Any) -> None:
        """As `error`, with the exception that is being handled."""
        self._logger.error(event, extra={"fields": fields}, exc_info=True)


def get_logger(name: str) -> Logger:
    return Logger(name)


def configure(level: str, process: str) -> None:
    """Send the logs of this process to standard error as JSON; `level` is a configured one."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(process))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("amqp", "kombu", "nameko", "alembic", "waitress.queue", "gunicorn.access"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))


class _JsonLines(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": clock.to_text(int(record.created * clock.MICROSECONDS)),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "event": record.getMessage(),
            "trace_id": trace.trace_id(),
        }
        for key, value in getattr(record, "fields", {}).items():
            line[key] = "[redacted]" if key in REDACTED else value
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
