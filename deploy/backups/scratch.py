"""A service's database made from a backup as an SQLite file to look at, from either kind of backup: the
ledger's verification works on both engines, so that no server is needed to check one.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.backups import postgres
from deploy.backups.archive import Archive, create
from deploy.backups.manifest import PIECE_BYTES, Contents, Rows
from deploy.services import SERVICES
from shared.db import migrations
from shared.db.engine import Database

ROWS_AT_ONCE = 1000

_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_READ: dict[str, Callable[[bytes], Any]] = {
    "bigint": int,
    "integer": int,
    "smallint": int,
    "boolean": lambda given: given == b"t",
    "bytea": lambda given: bytes.fromhex(given.removeprefix(b"\\x").decode()),
    # Only the ledger's ids are of this type; in SQLite they are kept in 16 bytes.
    "uuid": lambda given: bytes.fromhex(given.replace(b"-", b"").decode()),
    "text": bytes.decode,
    "character varying": bytes.decode,
}


@contextmanager
def database(archive: Archive, service: str, contents: Contents) -> Iterator[Database]:
    """The service's database, brought to this version, in a temporary folder of its own."""
    with TemporaryDirectory(prefix="medtown-") as folder:
        path = Path(folder) / f"{service}.sqlite3"
        if contents.file is not None:
            with archive.open(contents.file) as source, create(path) as copy:
                shutil.copyfileobj(source, copy, PIECE_BYTES)
        opened = Database(f"sqlite:///{path}")
        try:
            if contents.file is None:
                _fill(archive, service, contents, opened, path)
            migrations.upgrade(SERVICES[service].folder, opened)
            yield opened
        finally:
            opened.close()


def _fill(archive: Archive, service: str, contents: Contents, opened: Database, path: Path) -> None:
    assert contents.revision is not None
    migrations.upgrade(SERVICES[service].folder, opened, contents.revision)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table, rows in contents.tables.items():
            with archive.open(rows.file) as packed, postgres.unpacked(packed) as lines:
                _insert(connection, table, rows, lines)
        connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, table: str, rows: Rows, lines: Iterable[bytes]) -> None:
    names = ", ".join(f'"{name}"' for name, _ in rows.columns)
    marks = ", ".join("?" * len(rows.columns))
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'
    readers = [_READ[kind] for _, kind in rows.columns]
    values = (_values(line, readers) for line in lines)
    while page := list(islice(values, ROWS_AT_ONCE)):
        connection.executemany(statement, page)


def _values(line: bytes, readers: list[Callable[[bytes], Any]]) -> list[Any]:
    """A line of COPY's text format."""
    fields = line.rstrip(b"\n").split(b"\t")
    return [
        None if field == b"\\N" else read(_unescaped(field) if b"\\" in field else field)
        for field, read in zip(fields, readers, strict=True)
    ]


def _unescaped(field: bytes) -> bytes:
    parts = iter(field.split(b"\\"))
    found = [next(parts)]
    for part in parts:
        if part:
            found.append(_ESCAPED.get(part[:1], part[:1]) + part[1:])
        else:
            # Two backslashes stand for one; what follows them is plain.
            found.append(b"\\" + next(parts))
    return b"".join(found)
