"""`medtown verify-ledger` on a data folder whose files were changed behind the ledger's back."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.ledger.journal.verify import verify
from shared.db.engine import Database
from tests.integration.commands.site import Site
from tests.support.research_log import line, log_of

LOG = log_of(
    line(1, "DISBURSEMENT", "city", "ana", "100"),
    line(2, "STANDARD", "ana", "bea", "30"),
    line(3, "AGENT_OUT", "bea", "till", "10"),
    line(4, "RECLAMATION", "till", "city", "4"),
)
PAYMENT = 5
"""The record of row 2, after the currency, ana's account, row 1 and bea's account."""


@pytest.fixture
def books(with_books: Callable[[str], Site]) -> Site:
    """A ledger with a few records of each type, whose triggers no longer watch over it."""
    site = with_books(LOG)
    with tampering(site) as database:
        for (trigger,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
    return site


@contextmanager
def tampering(site: Site) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{site.tools['MEDTOWN_DATA']}/ledger.sqlite3")) as database, database:
        yield database


def test_sound_books_are_told_with_what_was_counted(books: Site) -> None:
    done = books.run("verify-ledger")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "sound: 8 records, 5 accounts, 8 entries; every currency sums to zero; last hash "
    )
    report = books.verified()
    assert (report["records"], report["sums"], report["fault"]) == (8, {"PUMA": 0}, None)


def test_an_empty_ledger_is_sound(alone: Site) -> None:
    assert alone.run("migrate").code == 0
    assert alone.verified()["records"] == 0


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE balances SET balance = balance + 1 WHERE account = 2", "the balance of account "),
        ("UPDATE entries SET amount = -amount WHERE sequence = 5", "the entry of record 5 "),
        ("DELETE FROM entries WHERE sequence = 5", "the entry of record 5 "),
        ("DELETE FROM journal WHERE sequence = 5", "record 5 is missing"),
        ("DELETE FROM journal WHERE sequence = 8", "the table of entries has lines of record 8"),
        ("UPDATE journal SET salt = hash WHERE sequence IN (3, 7)", "record 3 "),
    ],
)
def test_the_first_fault_is_named_and_ends_with_1(books: Site, statement: str, named: str) -> None:
    with tampering(books) as database:
        database.execute(statement)
    done = books.run("verify-ledger")
    assert done.code == 1
    assert done.out.startswith(f"FAULT: {named}")
    told = books.run("verify-ledger", "--json")
    assert told.code == 1
    report = json.loads(told.out)
    assert (report["sound"], report["fault"] in done.out) == (False, True)


def test_books_with_a_fault_take_nothing_until_it_is_mended(books: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(LOG + line(5, "DISBURSEMENT", "city", "ana", "1") + "\n")
    arguments = ("import-transfers", str(path), "--currency", "PUMA", "--format", "ukds")
    with tampering(books) as database:
        database.execute("UPDATE balances SET balance = balance + 1 WHERE account = 2")
    assert books.run("verify-ledger").code == 1
    assert books.run(*arguments).refusal == "The ledger takes no changes while it is being checked."
    with tampering(books) as database:
        database.execute("UPDATE balances SET balance = balance - 1 WHERE account = 2")
    assert books.verified()["records"] == 8
    assert books.run(*arguments).code == 0
    assert books.verified()["records"] == 9


@pytest.mark.parametrize("column", ["header", "payload", "salt", "hash"])
def test_every_byte_of_a_record_counts(books: Site, column: str) -> None:
    database = Database(f"sqlite:///{books.tools['MEDTOWN_DATA']}/ledger.sqlite3")
    with closing(database), tampering(books) as file:
        [(content,)] = file.execute(f"SELECT {column} FROM journal WHERE sequence = {PAYMENT}")
        for position in range(len(content)):
            flipped = bytearray(content)
            flipped[position] ^= 1
            _put(file, column, bytes(flipped))
            fault = verify(database, 0).fault
            assert fault is not None, position
            assert f"record {PAYMENT} " in fault
        _put(file, column, content)
        assert verify(database, 0).sound


def _put(file: sqlite3.Connection, column: str, content: bytes) -> None:
    file.execute(f"UPDATE journal SET {column} = ? WHERE sequence = {PAYMENT}", (content,))
    file.commit()


def test_a_file_that_is_no_database_is_refused(alone: Site) -> None:
    folder = Path(alone.tools["MEDTOWN_DATA"])
    assert "there is no ledger database" in alone.run("verify-ledger").refusal
    folder.mkdir()
    (folder / "ledger.sqlite3").write_bytes(b"")
    assert "run `medtown migrate` first" in alone.run("verify-ledger").refusal
    (folder / "ledger.sqlite3").write_bytes(b"no database at all")
    assert "file is not a database" in alone.run("verify-ledger").refusal
