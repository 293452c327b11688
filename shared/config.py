"""Configuration: environment variables alone, each listed here once; a wrong one stops the start by its
name.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class ConfigError(Exception):
    """A variable is missing or wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable("MEDTOWN_PORT", "8000", "port of the web front end and the API"),
    Variable("MEDTOWN_HOST", "127.0.0.1", "address that the gateway listens on"),
    Variable("MEDTOWN_DATA", "data", "folder of the embedded databases, keys and files"),
    Variable("MEDTOWN_AMQP_URL", "", "RabbitMQ, e.g. amqp://user:password@host:5672/vhost; empty: embedded"),
    Variable("MEDTOWN_AMQP_URL_FILE", "", "a file that holds MEDTOWN_AMQP_URL, in its place"),
    Variable(
        "MEDTOWN_DATABASE_URL",
        "",
        "database of this process's service; empty: an SQLite file in the data folder",
    ),
    Variable("MEDTOWN_DATABASE_URL_FILE", "", "a file that holds MEDTOWN_DATABASE_URL, in its place"),
    Variable(
        "MEDTOWN_DATABASE_URLS",
        "",
        "folder with a file for each service that holds the URL of its database: for backup and restore",
    ),
    Variable(
        "MEDTOWN_KEYS",
        "",
        "folder with trusted.json and this process's private keys; empty: keys/ in the data folder",
    ),
    Variable(
        "MEDTOWN_BLOBS",
        "",
        "folder of uploaded files, shared by gateway and toolbox; empty: blobs/ in the data folder",
    ),
    Variable(
        "MEDTOWN_METRICS_PORT",
        "0",
        "port of /livez, /readyz and /metrics, apart from the public one; 0: none",
    ),
    Variable("MEDTOWN_METRICS_HOST", "127.0.0.1", "address that port listens on"),
    Variable(
        "MEDTOWN_PUBLIC_URL",
        "",
        "address that people use, e.g. https://example.org; empty: derived from the request",
    ),
    Variable("MEDTOWN_LOG_LEVEL", "info", "debug, info, warning or error"),
    Variable("MEDTOWN_DEMO", "auto", "demo data on the first embedded start: auto or off"),
    Variable("MEDTOWN_PARTITION", "0", "ledger partition that a ledger-writer serves"),
)

DATABASES = ("postgresql+psycopg://", "sqlite:///")
LOG_LEVELS = ("debug", "info", "warning", "error")
SOCKET_PATH_LIMIT = 100
"""Bytes that the path of a Unix socket may have; the systems' limit is 104 or 108."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of a process, checked."""

    port: int
    host: str
    data: Path
    amqp_url: str
    database_url: str
    database_urls: Path | None
    keys: Path
    blobs: Path
    metrics_port: int
    metrics_host: str
    public_url: str
    log_level: str
    demo: bool
    partition: int

    @property
    def distributed(self) -> bool:
        """Whether services run as processes of their own on RabbitMQ."""
        return bool(self.amqp_url)

    def database_for(self, service: str) -> str:
        """The SQLAlchemy URL of a service's database."""
        if self.database_url:
            return self.database_url
        if self.database_urls is not None:
            return _listed(self.database_urls / service)
        if self.distributed:
            raise ConfigError(
                "MEDTOWN_DATABASE_URL is missing: with MEDTOWN_AMQP_URL set, "
                "it must name a PostgreSQL database"
            )
        return f"sqlite:///{self.data.resolve()}/{service}.sqlite3"

    @property
    def socket(self) -> Path:
        """The Unix socket of the embedded server: in the data folder, or elsewhere where that path is too
        long.
        """
        path = self.data.resolve() / "medtown.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"medtown-{os.getuid()}-{digest}" / "medtown.sock"


def load(environment: Mapping[str, str] | None = None) -> Config:
    """The configuration of this process. Raises ConfigError, naming the variable, for whatever is wrong."""
    given = os.environ if environment is None else environment
    known = {variable.name: given.get(variable.name, variable.default) for variable in VARIABLES}
    data = Path(known["MEDTOWN_DATA"])
    return Config(
        port=_number("MEDTOWN_PORT", known, 1, 65535),
        host=known["MEDTOWN_HOST"],
        data=data,
        amqp_url=_url("MEDTOWN_AMQP_URL", known, ("amqp://", "amqps://")),
        database_url=_url("MEDTOWN_DATABASE_URL", known, DATABASES),
        database_urls=Path(known["MEDTOWN_DATABASE_URLS"]) if known["MEDTOWN_DATABASE_URLS"] else None,
        keys=Path(known["MEDTOWN_KEYS"]) if known["MEDTOWN_KEYS"] else data / "keys",
        blobs=Path(known["MEDTOWN_BLOBS"]) if known["MEDTOWN_BLOBS"] else data / "blobs",
        metrics_port=_number("MEDTOWN_METRICS_PORT", known, 0, 65535),
        metrics_host=known["MEDTOWN_METRICS_HOST"],
        public_url=known["MEDTOWN_PUBLIC_URL"].rstrip("/"),
        log_level=_choice("MEDTOWN_LOG_LEVEL", known, LOG_LEVELS),
        demo=_choice("MEDTOWN_DEMO", known, ("auto", "off")) == "auto",
        partition=_number("MEDTOWN_PARTITION", known, 0, 4095),
    )


def _number(name: str, given: Mapping[str, str], low: int, high: int) -> int:
    text = given[name]
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _url(name: str, given: Mapping[str, str], beginnings: tuple[str, ...]) -> str:
    """The URL, which may be empty. It may hold a password: no message repeats it."""
    url = _from_file(name, given) if given[f"{name}_FILE"] else given[name]
    if url and not url.startswith(beginnings):
        raise ConfigError(f"{name} must begin with {' or '.join(beginnings)}")
    try:
        urlsplit(url).port  # noqa: B018  # reading it is what checks it
    except ValueError as error:
        raise ConfigError(f"{name} has no valid host or port") from error
    return url


def _listed(path: Path) -> str:
    """The URL in a file of MEDTOWN_DATABASE_URLS."""
    names = {"MEDTOWN_DATABASE_URLS": "", "MEDTOWN_DATABASE_URLS_FILE": str(path)}
    return _url("MEDTOWN_DATABASE_URLS", names, DATABASES)


def _from_file(name: str, given: Mapping[str, str]) -> str:
    """What the file holds that stands in for a variable, without the line's end."""
    file = f"{name}_FILE"
    if given[name]:
        raise ConfigError(f"{file} and {name} are both set: one of them must go")
    try:
        return Path(given[file]).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} is {given[file]!r}, which cannot be read: {error}") from error


def _choice(name: str, given: Mapping[str, str], choices: tuple[str, ...]) -> str:
    if given[name] not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, not {given[name]!r}")
    return given[name]
