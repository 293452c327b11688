"""Whatever the ledger recorded, in whatever batches it arrives: every figure is that of the raw list."""

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dashboard.indicators.figures import FIGURES
from services.dashboard.indicators.periods import number
from services.dashboard.indicators.queries import Question, answer
from services.dashboard.projection import projector
from services.dashboard.resources import Resources
from shared.db.engine import Database
from tests.support.projections import dump
from tests.unit.services.dashboard.journal import DAY, Journal, at, resources_for
from tests.unit.services.dashboard.naive import Naive

TERRITORIES = (None, "south", "east")
DAYS = 20
TIMES = st.builds(lambda day, us: at(day, 0) + us, st.integers(0, DAYS - 1), st.integers(0, DAY - 1))
AMOUNTS = st.one_of(st.integers(1, 5), st.integers(1, 2**53 - 1))


# Each example fills a database; it is emptied at the start of the next.
some_examples = settings(
    max_examples=settings().max_examples // 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def journals(draw: st.DrawFn) -> Journal:
    """Two currencies; members, organisations, an account of a kind of tomorrow; transfers, what undoes them,
    linked and reserved ones, and records of an unknown type, in no order of time and bound by no limit."""
    journal = Journal()
    for code in ("PUMAS", "ELIO"):
        own = journal.currency(code, draw(TIMES), draw(st.sampled_from(["backed", "time", "mutual_credit"])))
        held = [
            journal.account(
                code,
                draw(TIMES),
                draw(st.sampled_from(["member", "member", "organisation", "pot"])),
                draw(st.sampled_from(TERRITORIES)),
            )
            for _ in range(draw(st.integers(2, 5)))
        ]
        everyone = [*own, *held, *held, *held]
        for _ in range(draw(st.integers(0, 25))):
            payer = draw(st.sampled_from(everyone))
            payee = draw(st.sampled_from([account for account in everyone if account != payer]))
            amount, when = draw(AMOUNTS), draw(TIMES)
            what = draw(st.integers(0, 13))
            if what < 9:
                journal.transfer(payer, payee, amount, when)
            elif what == 9:
                journal.reserved(payer, payee, amount, when)
            elif what == 10:
                third = draw(st.sampled_from([account for account in everyone if account != payee]))
                journal.linked([(payer, payee, amount), (payee, third, amount)], when)
            elif what < 13:
                kind = draw(st.sampled_from(["refund", "reversal", "correction"]))
                journal.transfer(payer, payee, amount, when, kind)
            else:
                # One account twice: two buckets of it.
                moved = [(payer, -amount), (payee, amount - 1), (payee, 1)]
                journal.record("levy.booked", when, entries=moved)
    return journal


def figures(
    resources: Resources, currency: str, territory: str | None, kind: str, now: int
) -> list[dict[str, Any]]:
    return answer(resources, list(FIGURES), Question(currency, territory, kind, None, None), now, live=True)


def feed(resources: Resources, journal: Journal, cuts: list[int]) -> None:
    """Hand the records over in batches that end at the cuts."""
    places = [0, *sorted(min(cut, len(journal.records)) for cut in cuts), len(journal.records)]
    for left, right in itertools.pairwise(places):
        projector.receive(resources, journal.records[left:right])


@some_examples
@given(
    journal=journals(),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    kind=st.sampled_from(["day", "week", "month", "all"]),
    now=st.integers(at(15, 0), at(DAYS + 5, 0)),
)
def test_figures_are_those_of_the_raw_list(
    database: Database, journal: Journal, cuts: list[int], kind: str, now: int
) -> None:
    check_figures(database, journal, ("PUMAS", "ELIO"), cuts, kind, now)


@pytest.mark.parametrize("kind", ["day", "all"])
def test_accounts_that_are_opened_after_what_they_did(database: Database, kind: str) -> None:
    """A reservation does not make an account one of those that there were, a payment passed on does."""
    journal = Journal()
    journal.currency("PUMAS", at(1, 0))
    reserving, passing, giver, taker = (journal.account("PUMAS", at(day, 0)) for day in (9, 9, 1, 1))
    journal.transfer(giver, taker, 7, at(2, 1))
    journal.reserved(reserving, taker, 5, at(2, 2))
    journal.linked([(giver, passing, 5), (passing, taker, 5)], at(2, 3))
    check_figures(database, journal, ("PUMAS",), [], kind, at(12, 0))


def check_figures(
    database: Database, journal: Journal, currencies: Sequence[str], cuts: list[int], kind: str, now: int
) -> None:
    resources = resources_for(database, journal)
    projector.discard(resources)
    feed(resources, journal, cuts)
    now = max(now, journal.records[-1].recorded_at + 1)
    for currency in currencies:
        for territory in TERRITORIES:
            for series in figures(resources, currency, territory, kind, now):
                for value in series["values"]:
                    assert value["value"] == expected(journal, series, value, now), (
                        series["indicator"],
                        value,
                    )
                    assert (value["value"] is None) == (value["reason"] is not None)


def expected(journal: Journal, series: dict[str, Any], value: dict[str, Any], now: int) -> int | float | None:
    if value["reason"] == "The currency has no account in this territory.":
        return None
    first = date.fromisoformat(value["start"])
    before = {"day": first - timedelta(1), "week": first - timedelta(7), "month": first - timedelta(1)}
    previous = before.get(series["period"], first)
    if series["period"] == "month":
        previous = previous.replace(day=1)
    start, end, earlier = (number(each) * DAY for each in (first, date.fromisoformat(value["end"]), previous))
    naive = Naive(journal.records, series["currency"], series["territory"], start, end, now, earlier)
    figure: int | float | None = getattr(naive, series["indicator"]["code"])()
    return figure


@some_examples
@given(journal=journals(), cuts=st.lists(st.integers(0, 60), max_size=8))
def test_a_rebuild_gives_the_same_tables_as_living_through_it(
    database: Database, journal: Journal, cuts: list[int]
) -> None:
    resources = resources_for(database, journal)
    projector.discard(resources)
    feed(resources, journal, cuts)
    lived = dump(database)
    steps: list[int] = []
    assert projector.rebuild(resources, steps.append) == steps[-1] == len(journal.records)
    assert dump(database) == lived


@some_examples
@given(journal=journals(), messages=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=8))
def test_messages_lost_doubled_or_late_leave_no_trace(
    database: Database, journal: Journal, messages: list[tuple[int, int]]
) -> None:
    resources = resources_for(database, journal, page=7)
    projector.discard(resources)
    for first, size in messages:
        projector.receive(resources, journal.records[first : first + size])
    while projector.catch_up(resources):
        pass
    healed = dump(database)
    projector.rebuild(resources)
    assert dump(database) == healed
