"""Verification finds whatever has been changed behind the ledger's back, and names it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ledger.journal.verify import verify
from shared.contracts import ids
from tests.support.ledger import create_currency, issue, open_account, pay, redeem
from tests.support.writing import Ledger, refused_as, running_ledger


def _fill(puma: Ledger) -> Ledger:
    """A little of everything, in tables that can be changed by force: record 7 is a payment."""
    puma.view(create_currency("LEAF", kind="mutual_credit", default_credit_limit=500))
    one, two = open_account(ids.new_id()), open_account(ids.new_id())
    token = puma.token("tools", "importer")
    puma.decide([one, two], token)
    puma.decide([issue(one.id, 1_000), issue(one.id, 5, memo="a note")], token)
    puma.decide([pay(one.id, two.id, 300), pay(one.id, two.id, 10_000), redeem(two.id, 100)], token)
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
    assert (report.records, report.accounts, report.entries) == (8, 6, 8)
    assert report.sums == {"PUMA": 0, "LEAF": 0}
    assert done[-1] == 8
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
    "a lost last record": ("DELETE FROM journal WHERE sequence = 8", "record 8"),
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
    "a changed note": ("UPDATE notes SET memo = 'another'", "the note of record 6 "),
    "a partition that is ahead": (
        "UPDATE partitions SET last_sequence = 9",
        "the journal ends with record 8",
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


def test_each_change_is_found_and_forgiven_once_undone(books: Ledger) -> None:
    undone = {
        "UPDATE journal SET recorded_at = recorded_at + {} WHERE sequence = 4": "record 4 is kept",
        "UPDATE entries SET amount = amount + {} WHERE sequence = 7 AND amount > 0": "the entry of record 7 ",
        "UPDATE balances SET balance = balance + {} WHERE account = 4": "the balance of account ",
        "UPDATE accounts SET floor = floor + {} WHERE number = 4": "the floor of account ",
        "UPDATE partitions SET last_sequence = last_sequence + {}": "the journal ends with record 8",
    }
    for statement, named in undone.items():
        books.execute(statement.format(1))
        assert named in str(verify(books.database, 0).fault)
        books.execute(statement.format(-1))
    assert verify(books.database, 0).sound


def test_a_fault_freezes_the_partition_until_it_is_mended(books: Ledger) -> None:
    account = books.account()
    books.execute("UPDATE balances SET balance = balance + 1 WHERE account = 4")
    assert not verify(books.database, 0).sound
    assert refused_as(books.decide([issue(account, 1)])[0]) == "partition-frozen"
    books.execute("UPDATE balances SET balance = balance - 1 WHERE account = 4")
    assert verify(books.database, 0).sound
    books.view(issue(account, 1))


def test_erasing_a_note_leaves_the_books_sound(books: Ledger) -> None:
    books.execute("DELETE FROM notes")
    assert verify(books.database, 0).sound
