"""Verification finds whatever has been changed behind the ledger's back, and names it."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DatabaseError

from services.ledger.accounts.following import follow
from services.ledger.journal.indexes import NO_AMCHECK, NO_CHECKSUMS
from services.ledger.journal.report import Report
from services.ledger.journal.verify import verify
from services.ledger.kernel.calendar import DAY_US
from services.ledger.kernel.record import canonical, chain
from services.ledger.tables import journal, metadata, partitions
from shared.auth.principal import MEMBER
from shared.contracts import clock, ids
from shared.contracts.commands import FreezeAccount, PostPending, SetDelegate, TagAccount
from shared.db.engine import Database
from tests.support.ledger import create_currency, issue, open_account, pay, redeem
from tests.support.unproven import UNPROVEN
from tests.support.writing import Ledger, refused_as, running_ledger

PAGE_BYTES = 4096
RECORDS = 16
"""How many of them there are then."""


def _fill(puma: Ledger) -> Ledger:
    """A little of everything, in tables that can be changed by force: record 7 is a payment."""
    puma.view(create_currency("LEAF", kind="mutual_credit", default_credit_limit=500))
    one, two = open_account(ids.new_id(), territory="triana"), open_account(ids.new_id())
    token = puma.token("tools", "importer")
    puma.decide([one, two], token)
    puma.decide([issue(one.id, 1_000), issue(one.id, 5, memo="a note")], token)
    puma.decide([pay(one.id, two.id, 300), pay(one.id, two.id, 10_000), redeem(two.id, 100)], token)
    reserve = pay(one.id, two.id, 40, pending_seconds=3600)
    puma.decide(
        [
            reserve,
            pay(one.id, two.id, 30, pending_seconds=3600),
            PostPending(id=ids.new_id(), pending=reserve.id, amount=10),
            TagAccount(id=ids.new_id(), account=two.id, category="food", groups=["market"]),
            FreezeAccount(id=ids.new_id(), account=two.id, reason="a card was lost"),
        ],
        puma.token("tools", "importer", "operator"),
    )
    for days in (3, 4):
        happened = clock.now_us() - days * DAY_US
        puma.view(issue(one.id, days, id=ids.derived_id("a", f"log {days}"), occurred_at=happened), token)
    friend = SetDelegate(id=ids.new_id(), account=one.id, subject=ids.new_id(), rights=["view"])
    puma.view(friend, puma.token(one.holder, MEMBER))
    assert not follow(puma.resources)
    puma.execute(f"INSERT INTO relay_cursors (partition, sequence) VALUES (0, {RECORDS})")
    if puma.database.is_sqlite:
        for trigger in ("journal_no_update", "journal_no_delete", "entries_no_update", "entries_no_delete"):
            puma.execute(f"DROP TRIGGER {trigger}")
    else:
        puma.execute("ALTER TABLE journal DISABLE TRIGGER ALL")
        puma.execute("ALTER TABLE entries DISABLE TRIGGER ALL")
    return puma


@pytest.fixture
def books(puma: Ledger) -> Ledger:
    return _fill(puma)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Ledger]:
    """The same on SQLite alone."""
    with running_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3") as ledger:
        ledger.currency()
        yield _fill(ledger)


def test_sound_books_are_told_so(books: Ledger) -> None:
    done: list[int] = []
    report = verify(books.database, 0, progress=done.append)
    assert report.sound, report
    assert (report.records, report.accounts, report.entries, report.things) == (RECORDS, 6, 19, 2)
    assert report.sums == {"PUMA": 0, "LEAF": 0}
    assert done[-1] == RECORDS
    assert report.to_json()["sound"] is True


def test_an_empty_partition_is_sound(ledger: Ledger) -> None:
    assert verify(ledger.database, 0).sound
    assert verify(ledger.database, 7).sound


CHANGES = {
    "a flipped byte of a payload": (
        "UPDATE journal SET payload = {flipped} WHERE sequence = 5",
        "record 5 does not have the hash",
    ),
    "another salt": ("UPDATE journal SET salt = hash WHERE sequence = 6", "record 6 does not have the hash"),
    "a changed time": (
        "UPDATE journal SET recorded_at = recorded_at + 1 WHERE sequence = 4",
        "record 4 is kept",
    ),
    "an exchanged id": (
        "UPDATE journal SET command = {id} WHERE sequence = 3",
        "record 3 is kept under the id",
    ),
    "a lost record": ("DELETE FROM journal WHERE sequence = 7", "record 7 "),
    "a lost last record": ("DELETE FROM journal WHERE sequence = 16", "the journal ends with record 15"),
    "a changed entry": (
        "UPDATE entries SET amount = amount + 1 WHERE sequence = 7 AND amount > 0",
        "the entry of record 7 ",
    ),
    "a changed balance of an entry": (
        "UPDATE entries SET balance = balance + 1 WHERE sequence = 5 AND amount > 0",
        "the entry of record 5 ",
    ),
    "an invented total of an entry": (
        "UPDATE entries SET total = 7 WHERE sequence = 7 AND amount > 0",
        "the entry of record 7 ",
    ),
    "a lost entry": ("DELETE FROM entries WHERE sequence = 8 AND amount > 0", "the entry of record 8 "),
    "a lost transfer's entries": ("DELETE FROM entries WHERE sequence = 6", "the entry of record 6 "),
    "an entry too many": (
        "INSERT INTO entries (account, sequence, amount, balance, bucket) VALUES (0, 3, 0, 0, '')",
        "more lines of record 3 than the record books",
    ),
    "entries of no record": (
        "INSERT INTO entries (account, sequence, amount, balance, bucket) VALUES (0, 99, 0, 0, '')",
        "lines of record 99, which does not exist",
    ),
    "a changed balance": (
        "UPDATE balances SET balance = balance + 1 WHERE account = 4",
        "the balance of account ",
    ),
    "an invented total": ("UPDATE balances SET total = 1 WHERE account = 4", "the total of account "),
    "a lost balance": ("DELETE FROM balances WHERE account = 4", "the balance of account "),
    "a balance of nobody": (
        "INSERT INTO balances (account, balance, bucket) VALUES (77, 1, '')",
        "number 77",
    ),
    "a raised limit": ("UPDATE accounts SET floor = -5 WHERE number = 4", "the floor of account "),
    "a lost account": ("DELETE FROM accounts WHERE number = 5", "missing from their table"),
    "another charter": (
        "UPDATE currencies SET minor_units = 10 WHERE code = 'LEAF'",
        "the minor_units of currency LEAF",
    ),
    "a lost currency": ("DELETE FROM currencies WHERE code = 'LEAF'", "currency LEAF is missing"),
    "a balance of units that are not there": (
        "INSERT INTO balances (account, balance, bucket) VALUES (4, 5, '|food||')",
        "account number 4 in '|food||'",
    ),
    "other terms": (
        """UPDATE accounts SET terms = replace(terms, 'market', 'milker')""",
        "the terms of account ",
    ),
    "a changed thing": ("UPDATE things SET body = replace(body, 'posted', 'voided')", "the thing pending "),
    "another time for a thing": ("UPDATE things SET due_at = due_at + 1", "the thing pending "),
    "a lost thing": ("DELETE FROM things WHERE due_at IS NULL", "the thing pending "),
    "a thing of nobody": (
        "INSERT INTO things (kind, id, partition, body) VALUES ('spent', 'x', 0, '{{}}')",
        "the thing spent x stands in its table",
    ),
    "a changed note": ("UPDATE notes SET memo = 'another' WHERE sequence = 6", "the note of record 6 "),
    "a note of no record": (
        "INSERT INTO notes (sequence, partition, salt, memo, case_reference) VALUES (99, 0, x'00', '', '')",
        "a note of record 99 ",
    ),
    "a refusal of what was accepted": (
        "UPDATE refusals SET command = (SELECT command FROM journal WHERE sequence = 7)",
        "has a record and is told as refused",
    ),
    "a refusal that nobody gives": ("UPDATE refusals SET slug = 'late'", "the refusal of the command "),
    "a changed late entry": (
        "UPDATE late_entries SET amount = amount + 1 WHERE amount = 3",
        "the late entries of record 14 ",
    ),
    "a late entry of another time": (
        "UPDATE late_entries SET occurred_at = occurred_at + 1 WHERE amount = 4",
        "the late entries of record 15 ",
    ),
    "a lost late entry": ("DELETE FROM late_entries WHERE amount = -4", "the late entries of record 15 "),
    "a late entry of what was told at once": (
        "INSERT INTO late_entries (account, occurred_at, recorded_at, sequence, amount) "
        "VALUES (4, 1, 2, 7, 5)",
        "the late entries of record 7 ",
    ),
    "late entries that nobody has read": (
        "UPDATE reading_cursors SET sequence = 14",
        "late entries of record 15, which no job has read yet",
    ),
    "late entries that somebody should have read": (
        "DELETE FROM late_entries",
        "the late entries of record 14 ",
    ),
    "another sum of a day": (
        "UPDATE late_days SET amount = amount + 1 WHERE amount = 3",
        "do not sum to what the table of late days says",
    ),
    "a lost day": (
        "DELETE FROM late_days WHERE amount = 4",
        "do not sum to what the table of late days says",
    ),
    "a day too many": (
        "INSERT INTO late_days (account, occurred_on, recorded_on, amount) VALUES (9, 1, 2, 0)",
        "the late entries of account number 9 of day 1",
    ),
    "a delegate of another account": (
        "UPDATE delegations SET account = 5",
        "by the terms of account number 5",
    ),
    "a lost delegate": ("DELETE FROM delegations", "missing among the delegates of account number "),
    "a relay that is ahead": (
        "UPDATE relay_cursors SET sequence = 17",
        "relay_cursors says that record 17 has been read",
    ),
    "a reader of another partition": (
        "INSERT INTO reading_cursors (partition, sequence) VALUES (9, 1)",
        "reading_cursors has a row of partition 9",
    ),
    "a partition that is ahead": (
        "UPDATE partitions SET last_sequence = 99",
        "the journal ends with record 16",
    ),
    "a partition of another timeline": (
        "UPDATE partitions SET timeline = 'another'",
        "another timeline than the journal",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_found_and_named(files: Ledger, change: str) -> None:
    statement, named = CHANGES[change]
    flipped = "CAST(replace(CAST(payload AS TEXT), '1000', '1001') AS BLOB)"
    files.execute(statement.format(flipped=flipped, id="x'" + ids.new_id().replace("-", "") + "'"))
    report = verify(files.database, 0)
    assert report.fault is not None
    assert named in report.fault
    assert not report.sound
    assert report.fault in str(report)


@pytest.mark.parametrize("table", metadata.tables)
def test_a_flipped_byte_in_any_column_is_found(files: Ledger, table: str) -> None:
    with files.database.read() as connection:
        columns = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
        key = " AND ".join(
            f"{row[1]} IS :{row[1]}"
            for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")
            if row[5]
        )
        rows = [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()]
    for column in sorted(set(columns) - UNPROVEN.get(table, {}).keys()):
        flipped = 0
        for row in rows:
            if row[column] is None:
                continue
            with files.database.write() as connection:
                connection.execute(
                    text(f"UPDATE {table} SET {column} = :flipped WHERE {key}"),
                    row | {"flipped": _flipped(row[column])},
                )
            report = verify(files.database, 0)
            assert report.fault is not None, f"{column} of {row}"
            with files.database.write() as connection:
                connection.execute(text(f"DELETE FROM {table}"))
                connection.execute(
                    text(f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in columns)})"), rows
                )
            flipped += 1
        assert flipped, f"no row has a {column}"
    assert verify(files.database, 0).sound


def _flipped(value: object) -> object:
    """The value with a byte changed."""
    if isinstance(value, int):
        return value ^ 64
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    assert isinstance(value, str)
    return chr(ord(value[0]) ^ 1) + value[1:] if value else "\x01"


def test_a_byte_flipped_in_the_file_is_found_or_changes_nothing(files: Ledger, tmp_path: Path) -> None:
    files.close()
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = _dump(path)
    sound = path.read_bytes()
    choose = random.Random(4)
    written = [place for place in range(PAGE_BYTES, len(sound)) if sound[place]]
    copy = tmp_path / "flipped.sqlite3"
    found = 0
    for place in choose.sample(written, 40):
        byte = sound[place] ^ 1 << choose.randrange(8)
        copy.write_bytes(sound[:place] + bytes([byte]) + sound[place + 1 :])
        database = Database(f"sqlite:///{copy}")
        try:
            if not verify(database, 0).sound:
                found += 1
                continue
        except (DatabaseError, UnicodeDecodeError):
            # What describes the tables is damaged: nobody can open the file.
            found += 1
            continue
        finally:
            database.close()
        assert _dump(copy) == before, f"byte {place}"
    assert found > 10, "few bytes of the file matter"


def _dump(path: Path) -> list[list[tuple[object, ...]]]:
    """All that stands in the tables and can be known."""
    dump = []
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        for name, table in metadata.tables.items():
            known = [column.name for column in table.c if column.name not in UNPROVEN.get(name, {})]
            found = connection.execute(f"SELECT {', '.join(known)} FROM {name}")
            dump.append(sorted((tuple(row) for row in found), key=repr))
    return dump


def test_each_change_is_found_and_forgiven_once_undone(books: Ledger) -> None:
    undone = {
        "UPDATE journal SET recorded_at = recorded_at + {} WHERE sequence = 4": "record 4 is kept",
        "UPDATE entries SET amount = amount + {} WHERE sequence = 7 AND amount > 0": "the entry of record 7 ",
        "UPDATE balances SET balance = balance + {} WHERE account = 4": "the balance of account ",
        "UPDATE accounts SET floor = floor + {} WHERE number = 4": "the floor of account ",
        "UPDATE partitions SET last_sequence = last_sequence + {}": "the journal ends with record 16",
        "UPDATE things SET due_at = due_at + {}": "the thing pending ",
    }
    for statement, named in undone.items():
        books.execute(statement.format(1))
        assert named in str(verify(books.database, 0).fault)
        books.execute(statement.format(-1))
    assert verify(books.database, 0).sound


def test_a_command_with_two_records_is_found(books: Ledger) -> None:
    if books.database.is_sqlite:
        # Without the index that forbids it.
        for statement in ("CREATE TABLE copy AS SELECT * FROM journal", "DROP TABLE journal"):
            books.execute(statement)
        books.execute("ALTER TABLE copy RENAME TO journal")
    else:
        _let_index(books, "journal_command", ready=False)
    with books.database.write() as connection:
        last = connection.execute(select(journal).where(journal.c.sequence == RECORDS)).one()
        header = msgspec.json.decode(last.header)
        header[3] = RECORDS + 1
        hash = chain(last.hash, last.salt, canonical(header), last.payload)
        again = {"sequence": RECORDS + 1, "header": canonical(header), "hash": hash}
        connection.execute(insert(journal), {**last._asdict(), **again})
        connection.execute(update(partitions).values(last_sequence=RECORDS + 1, last_hash=hash))
    if not books.database.is_sqlite:
        _let_index(books, "journal_command", ready=True)
    assert verify(books.database, 0).fault == f"the command {last.command} has more than one record"


def test_postgresql_is_asked_for_its_indexes_where_it_can_check_them(books: Ledger) -> None:
    report = verify(books.database, 0)
    if books.database.is_sqlite:
        assert (report.sound, report.warnings) == (True, [])
        return
    # The servers of the tests keep no checksums, as is PostgreSQL's default.
    assert report.warnings == [NO_CHECKSUMS + NO_AMCHECK]
    assert f"\nwarning: {NO_CHECKSUMS}" in str(report)
    _let_index(books, "things_owner", ready=False)
    books.execute("WITH gone AS (DELETE FROM things RETURNING *) INSERT INTO things SELECT * FROM gone")
    _let_index(books, "things_owner", ready=True)
    assert verify(books.database, 0).sound, "nobody looks"
    books.execute("CREATE EXTENSION amcheck")
    report = verify(books.database, 0)
    assert report.warnings == [NO_CHECKSUMS]
    assert str(report.fault).startswith("the table of things is damaged: ")
    books.execute("REINDEX INDEX things_owner")
    assert verify(books.database, 0).sound


def _let_index(books: Ledger, index: str, *, ready: bool) -> None:
    """What is written while an index of PostgreSQL is not ready never comes to stand in it."""
    books.execute(f"UPDATE pg_index SET indisready = {ready} WHERE indexrelid = '{index}'::regclass")


def test_a_fault_freezes_the_partition_until_it_is_mended(books: Ledger) -> None:
    account = books.account()
    books.execute("UPDATE balances SET balance = balance + 1 WHERE account = 4")
    assert not verify(books.database, 0).sound
    assert refused_as(books.decide([issue(account, 1)])[0]) == "partition-frozen"
    books.execute("UPDATE balances SET balance = balance - 1 WHERE account = 4")
    assert verify(books.database, 0).sound
    books.view(issue(account, 1))


@pytest.mark.parametrize("frozen_before", [False, True])
def test_what_began_before_a_fault_was_found_does_not_take_the_freeze_away(
    books: Ledger, frozen_before: bool
) -> None:
    account = books.account()
    books.execute(f"UPDATE partitions SET frozen = {frozen_before}")
    later: list[Report] = []

    def damage(done: int) -> None:
        if not later:
            books.execute("UPDATE partitions SET frozen = FALSE")
            books.view(issue(account, 1))
            books.execute("UPDATE balances SET balance = balance + 1 WHERE account = 4")
            later.append(verify(books.database, 0))

    assert verify(books.database, 0, progress=damage).sound
    assert not later[0].sound
    assert refused_as(books.decide([issue(account, 1)])[0]) == "partition-frozen"


def test_erasing_a_note_leaves_the_books_sound(books: Ledger) -> None:
    books.execute("DELETE FROM notes")
    assert verify(books.database, 0).sound
