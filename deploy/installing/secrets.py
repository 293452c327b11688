"""The secrets of an installation, each in a file of its own, so that every process gets its own alone.

The folder can be entered by its owner alone; the files in it can be read by whoever they are handed to, since
the processes in containers are other users. What is there stays; what is missing is made.
"""

import json
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from deploy.installing import broker, database
from deploy.installing.processes import everything, migrations, owner_role
from shared.auth.keys import ISSUERS, TRUSTED_FILE, ensure_keys, private_key_file

AMQP_URL = "amqp-url"
DATABASE_URL = "database-url"
DEFINITIONS = Path("rabbitmq/definitions.json")
PASSWORDS = Path("postgres/passwords.sql")
SUPERUSER_PASSWORD = Path("postgres/superuser-password")
GRAFANA_PASSWORD = Path("grafana/admin-password")
KEYS = Path("keys")


def make(folder: Path, broker_address: str, database_address: str) -> None:
    """Make what is missing of the secrets, and write anew what follows from them. Addresses: "host:port"."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    ensure_keys(folder / KEYS)
    for issuer in ISSUERS:
        private_key_file(folder / KEYS, issuer).chmod(0o444)
    (folder / KEYS / TRUSTED_FILE).chmod(0o444)
    for path in (SUPERUSER_PASSWORD, GRAFANA_PASSWORD):
        if not (folder / path).exists():
            _write(folder / path, _new_password())
    _write_definitions(folder, broker_address)
    _write_database_urls(folder, database_address)


def _write_definitions(folder: Path, address: str) -> None:
    hashes, passwords = {}, {}
    for process in everything().values():
        if not process.user:
            continue
        path = folder / process.name / AMQP_URL
        if process.user not in passwords:
            passwords[process.user] = _password_in(folder / process.user / AMQP_URL)
            hashes[process.user] = broker.password_hash(passwords[process.user])
        _write(path, f"amqp://{process.user}:{passwords[process.user]}@{address}/{broker.VIRTUAL_HOST}")
    _write(folder / DEFINITIONS, json.dumps(broker.definitions(hashes), indent=2))


def _write_database_urls(folder: Path, address: str) -> None:
    passwords: dict[str, str] = {}

    def write(name: str, role: str, service: str) -> None:
        path = folder / name / DATABASE_URL
        passwords[role] = _password_in(path)
        where = f"{address}/{service.replace('-', '_')}"
        _write(path, f"postgresql+psycopg://{role}:{passwords[role]}@{where}")

    for service, step in migrations().items():
        write(step, owner_role(service), service)
    for process in everything().values():
        if process.service:
            write(process.name, process.role, process.service)
    _write(folder / PASSWORDS, database.passwords_sql(passwords))


def _password_in(path: Path) -> str:
    """The password of the URL in a file; a new one where there is no such file."""
    if not path.exists():
        return _new_password()
    password = urlsplit(path.read_text()).password
    if not password:
        raise ValueError(f"{path} holds no URL with a password")
    return password


def _new_password() -> str:
    return secrets.token_urlsafe(24)


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(content.rstrip("\n") + "\n")
    path.chmod(0o444)
