"""What must hold after every fault, whatever it was."""

import json
import random

from services.ledger.journal.verify import verify
from shared.db.engine import Database
from tests.support.api import Api
from tests.support.faults.messages import is_up_to_date
from tests.support.faults.shadow import Shadow
from tests.support.faults.site import Site
from tests.support.faults.steady_load import ISSUED, Books
from tests.support.waiting import wait_until

SAMPLE = 8
"""Commands of a round that are asked for, and sent again."""
CATCH_UP_SECONDS = 90.0
PAGE = 100
BOOKED = """
    SELECT command::text FROM journal WHERE sequence IN (
        SELECT e.sequence FROM entries e JOIN accounts a ON a.number = e.account WHERE a.id = ANY(%s::uuid[])
    ) AND sequence > %s
"""
RECORDED = "SELECT command::text FROM journal WHERE command = ANY(%s::uuid[])"


class Checks:
    """Checks a site after each round. Everything sent must have been answered before (`load.settle`)."""

    def __init__(self, site: Site, seed: int, shadow: Shadow) -> None:
        self._site = site
        self._shadow = shadow
        self._chance = random.Random(seed)
        self._accepted = 0
        self._refused = 0
        self._checked = site.first_sequence - 1
        """Up to which record the journal has been looked at."""

    def check(self) -> None:
        """After a round."""
        self._check_memory()
        self._check_journal()
        self._check_balances()
        self._check_sound()
        self._check_dashboard()

    def check_projection(self) -> None:
        """The dashboard is as if it were made anew now, whatever was done to its messages."""
        self._shadow.must_equal(self._site.deployment.database_url("dashboard"))

    def check_in_full(self) -> None:
        """Also every transfer ever, by its account's list, the command that verifies, and the one that makes
        the dashboard anew.
        """
        self.check()
        self._check_lists()
        done = self._site.deployment.medtown("verify-ledger", "--json", process="ledger")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["sound"] is True
        done = self._site.deployment.medtown("rebuild-dashboard", process="dashboard")
        assert done.returncode == 0, done.stdout + done.stderr
        self._check_dashboard()

    def _check_memory(self) -> None:
        """Accepted stays accepted, refused stays refused, each with the same answer."""
        memory = self._site.load.memory
        fresh = memory.accepted[self._accepted :]
        sample = self._chance.sample(fresh, min(SAMPLE, len(fresh)))
        operator = self._site.town.operator
        for sent in sample:
            if sent.path == "/transfers" or sent.path.endswith("/postings"):
                seen = operator.get(f"/transfers/{sent.id}")
                assert sent.view is not None
                assert seen["sequence"] == sent.view["sequence"], (seen, sent.view)
        refused = memory.refused[self._refused :]
        earlier = [*memory.accepted[: self._accepted], *memory.refused[: self._refused]]
        for sent in [
            *sample,
            *self._chance.sample(refused, min(SAMPLE, len(refused))),
            *self._chance.sample(earlier, min(SAMPLE, len(earlier))),
        ]:
            self._site.load.again(sent)

    def _check_journal(self) -> None:
        """What was booked since the last round is what was accepted, each once; nothing refused is there."""
        memory = self._site.load.memory
        accounts = [id for books in self._site.load.books for id in (books.payer, books.payee, books.poor)]
        until = self._site.last_sequence()
        booked = [row[0] for row in self._site.rows("ledger", BOOKED, accounts, self._checked)]
        accepted = [sent.id for sent in memory.accepted[self._accepted :]]
        assert sorted(booked) == sorted(accepted)
        refused = [sent.id for sent in memory.refused]
        assert self._site.rows("ledger", RECORDED, refused) == []
        self._checked = until
        self._accepted, self._refused = len(memory.accepted), len(memory.refused)

    def _check_balances(self) -> None:
        for books in self._site.load.books:
            payer = self._site.town.member.get(f"/accounts/{books.payer}")
            assert payer["balance"]["amount"] == ISSUED - books.paid, books
            assert payer["reserved"]["amount"] == books.reserved, books
            assert payer["available"]["amount"] == ISSUED - books.paid - books.reserved, books
            assert self._site.town.operator.balance(books.payee) == books.paid, books
            assert self._site.town.operator.balance(books.poor) == 0, books

    def _check_sound(self) -> None:
        database = Database(self._site.deployment.database_url("ledger"))
        try:
            report = verify(database, 0)
        finally:
            database.close()
        assert report.sound, report

    def _check_dashboard(self) -> None:
        """It comes to where the ledger is, with the load's own sums."""
        all_books: list[Books] = self._site.load.books

        wait_until(
            lambda: is_up_to_date(self._site), CATCH_UP_SECONDS, "the dashboard to come to the journal's end"
        )
        town = self._site.town
        assert town.indicator("transfer_count") == sum(books.payments for books in all_books)
        assert town.indicator("volume") == sum(books.paid for books in all_books)
        assert town.indicator("supply") == ISSUED * len(all_books)

    def _check_lists(self) -> None:
        """Every account's own list names each of its transfers once."""
        memory = self._site.load.memory
        for books in self._site.load.books:
            moved = [
                sent.id
                for sent in memory.accepted
                if sent.view is not None
                and sent.view["payer"] == books.payer
                and sent.view["status"] == "posted"
            ]
            listed = listed_ids(self._site.town.member, books.payer)
            assert sorted(set(moved)) == sorted(moved)
            assert {id: listed.count(id) for id in moved} == dict.fromkeys(moved, 1)


def listed_ids(api: Api, account: str) -> list[str]:
    """The ids of an account's transfers, from its list's pages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": PAGE, **({"cursor": cursor} if cursor else {})}
        page = api.get(f"/accounts/{account}/transfers", params=parameters)
        found += [str(line["id"]) for line in page["data"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            return found
