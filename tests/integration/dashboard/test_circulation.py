"""Figures of closed periods: worked out by a process of its own, kept, and done again when need be."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update

from services.dashboard.circulation import cells, store, work
from services.dashboard.circulation.cells import CODES
from services.dashboard.circulation.child import Child, WorkFailed
from services.dashboard.indicators import formulas, queries
from services.dashboard.indicators.queries import Question, answer
from services.dashboard.projection import projector, tables
from services.dashboard.resources import Resources
from shared.contracts.dashboard import IndicatorSeriesView
from shared.db.engine import Database
from tests.support.waiting import wait_until
from tests.unit.services.dashboard.journal import Journal, at, resources_for

# PUMA, backed, in two territories: Ana, Carl and the shop in the north, Bea in the south. Day 0 is a Monday:
#   day 0, 00:00  700 issued to Ana
#   day 1, 00:00  Ana pays the shop 100
#   day 2, 00:00  Ana pays the shop 200
#   day 3, 00:00  the shop pays Bea 150
#   day 4, 00:00  Bea pays Ana 30
#   day 5, 00:00  the shop redeems 70
#   day 7, 00:00  Ana pays Carl 140
#   day 9, 00:00  the shop redeems 80
# "Now" is day 10, 12:00: the second week runs.
NOW = at(10)


@pytest.fixture
def journal() -> Journal:
    journal = Journal()
    issuance, redemption = journal.currency("PUMA", at(0, 0))
    ana = journal.account("PUMA", at(0, 0))
    shop = journal.account("PUMA", at(0, 0), "organisation", "north")
    bea = journal.account("PUMA", at(0, 0), "member", "south")
    carl = journal.account("PUMA", at(0, 0))
    journal.transfer(issuance, ana, 700, at(0, 0))
    journal.transfer(ana, shop, 100, at(1, 0))
    journal.transfer(ana, shop, 200, at(2, 0))
    journal.transfer(shop, bea, 150, at(3, 0))
    journal.transfer(bea, ana, 30, at(4, 0))
    journal.transfer(shop, redemption, 70, at(5, 0))
    journal.transfer(ana, carl, 140, at(7, 0))
    journal.transfer(shop, redemption, 80, at(9, 0))
    return journal


@pytest.fixture
def resources(database: Database, journal: Journal) -> Resources:
    made = resources_for(database, journal)
    projector.receive(made, journal.records)
    return made


def ask(
    resources: Resources,
    code: str,
    period: str = "week",
    territory: str | None = None,
    *,
    live: bool = True,
    now: int = NOW,
) -> list[dict[str, Any]]:
    question = Question("PUMA", territory, period, None, None)
    [series] = answer(resources, [code], question, now, live=live)
    assert IndicatorSeriesView().validate(series) == {}
    values: list[dict[str, Any]] = series["values"]
    return values


# The first week and, as far as it has passed, the second: (indicator, territory, figures)
BY_HAND: list[tuple[str, str | None, float | None, float | None]] = [
    # Held: 100 for a day, 200 for two; of the shop's, 100 for two days and 50 for one; Bea's 30 for a day:
    # 780 / 480 days. Then Ana's 140 for seven days.
    ("holding_period", None, 0.232143, 1.0),
    ("transfer_velocity", None, 4.307692, 1.0),
    # 480 x 13/56 = 111.4 in one week. 140 x 1 in half a week.
    ("effective_balance", None, 111, 280),
    # 750 / 450 days, by Ana and the shop; 30 / 30, by Bea.
    ("holding_period", "north", 0.238095, 1.0),
    ("holding_period", "south", 0.142857, None),
    # 70 of 700 redeemed within the week; 80 in the next, which count there for nothing.
    ("retention", None, 0.9, None),
    ("retention", "north", None, None),
    # Ana to the shop, the shop to Bea, Bea to Ana: a circle. Then Ana to Carl.
    ("edge_reciprocity", None, 0.0, 0.0),
    ("density", None, 0.5, 0.5),
    ("strongly_connected_share", None, 1.0, 0.5),
    ("strongly_connected_share", "north", 0.5, 0.5),
    ("strongly_connected_share", "south", None, None),
    ("counterparty_diversity", None, 2.0, 1.0),
    ("counterparty_diversity", "north", 1.0, 1.0),
    # 300, 150 and 30 of 480.
    ("spending_hhi", None, 0.492188, 1.0),
]


def test_figures_by_hand(resources: Resources) -> None:
    assert work.work(resources.database, NOW) == 1
    found = [
        (code, territory, *(value["value"] for value in ask(resources, code, territory=territory)))
        for code, territory, *_ in BY_HAND
    ]
    assert found == BY_HAND


def test_a_figure_that_was_kept_says_what_it_stands_for(resources: Resources, journal: Journal) -> None:
    work.work(resources.database, NOW)
    standing = journal.records[-1]
    journal.transfer(journal.account("PUMA", at(9)), journal.account("PUMA", at(9)), 1, at(9))
    projector.receive(resources, journal.records)
    first, second = ask(resources, "density")
    assert first["position"]["hash"] == standing.hash
    assert (first["position"]["sequence"], first["closed"]) == (standing.sequence, True)
    assert "position" not in second


def test_months_quarters_years_and_all_time(resources: Resources) -> None:
    later = at(400)
    kinds = {wanted.kind for wanted in _stale(resources, later)}
    assert kinds == set(cells.KINDS)
    work.work(resources.database, later)
    assert _stale(resources, later) == []
    # January: the circle, and Ana to Carl. Of 700 issued 150 are redeemed by its end.
    for period in ("month", "quarter", "year"):
        assert ask(resources, "density", period, now=later)[0]["value"] == 0.333333
        assert ask(resources, "retention", period, now=later)[0]["value"] == 0.785714
    [all_time] = ask(resources, "density", "all", live=True, now=later)
    assert (all_time["value"], all_time["closed"]) == (0.333333, False)


def test_nothing_is_worked_out_twice(resources: Resources) -> None:
    assert (work.work(resources.database, NOW), work.work(resources.database, NOW)) == (1, 0)


def test_a_late_record_has_its_period_worked_out_again(resources: Resources, journal: Journal) -> None:
    work.work(resources.database, NOW)
    ana, shop = (record.payload["accounts"][0]["id"] for record in journal.records[1:3])
    journal.transfer(shop, ana, 5, at(10))
    projector.receive(resources, journal.records)
    # What occurs in the open week touches no closed one.
    assert work.work(resources.database, NOW) == 0
    journal.transfer(shop, ana, 5, at(6))
    projector.receive(resources, journal.records)
    assert work.work(resources.database, NOW) == 1
    assert ask(resources, "edge_reciprocity")[0]["value"] == 0.5
    assert ask(resources, "edge_reciprocity")[0]["position"]["sequence"] == len(journal.records)


def test_another_formula_has_all_worked_out_again(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.work(resources.database, NOW)
    monkeypatch.setattr(store, "formulas_now", lambda: "density:2")
    assert work.work(resources.database, NOW) == 1


def test_a_rebuild_forgets_them_and_they_come_again(resources: Resources) -> None:
    work.work(resources.database, NOW)
    before = ask(resources, "density")
    projector.rebuild(resources)
    assert ask(resources, "density")[0]["reason"] == formulas.BEING_WORKED_OUT
    assert work.work(resources.database, NOW) == 1
    assert ask(resources, "density") == before


def test_what_was_read_before_a_rebuild_is_not_kept(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emptied_meanwhile(*arguments: Any) -> Any:
        figures = list(cells.work_out(*arguments))
        projector.rebuild(resources)
        return figures

    monkeypatch.setattr(work, "work_out", emptied_meanwhile)
    assert work.work(resources.database, NOW) == 0
    assert ask(resources, "density")[0]["reason"] == formulas.BEING_WORKED_OUT


def test_a_projection_without_movements_builds_itself_again(resources: Resources, journal: Journal) -> None:
    # As code that knows of no movements leaves it.
    with resources.database.write() as connection:
        connection.execute(tables.movements.delete())
        connection.execute(update(tables.positions).values(movements_to=0))
    journal.account("PUMA", at(10))
    projector.receive(resources, journal.records)
    assert _movements(resources) == 0
    while projector.catch_up(resources):
        pass
    assert _movements(resources) == 8
    with resources.database.read() as connection:
        assert connection.execute(select(tables.positions.c.sequence)).scalar_one() == len(journal.records)


def test_a_fee_and_a_record_of_an_unknown_type_are_movements_too(
    resources: Resources, journal: Journal
) -> None:
    ana, shop = (record.payload["accounts"][0]["id"] for record in journal.records[1:3])
    pot = {"id": "pot", "currency": "PUMA", "kind": "commons", "territory": None}
    journal.record("levy.booked", at(10), accounts=[pot], entries=[(ana, -7), ("pot", 7)])
    entries = [(ana, -12), (shop, 10), ("pot", 2)]
    paid = {"id": "x", "payer": ana, "payee": shop, "amount": 10}
    journal.record("transfer.posted", at(10), entries=entries, transfer=paid)
    projector.receive(resources, journal.records)
    columns = tables.movements.c
    query = select(columns.sequence, columns.part, columns.payer == 0, columns.payee == 0, columns.amount)
    sequence = len(journal.records)
    with resources.database.read() as connection:
        found = connection.execute(
            query.where(columns.sequence >= sequence - 1).order_by(columns.sequence, columns.part)
        ).all()
    assert [(s - sequence, part, bool(a), bool(b), amount) for s, part, a, b, amount in found] == [
        (-1, 0, False, True, 7),
        (-1, 1, True, False, 7),
        (0, 0, False, False, 10),
        (0, 1, False, True, 2),
        (0, 2, True, False, 2),
    ]


def test_what_a_record_keeps_back_or_lets_lapse_is_followed_but_not_paid(
    resources: Resources, journal: Journal
) -> None:
    own, (ana, shop) = (
        journal.records[0],
        (record.payload["accounts"][0]["id"] for record in journal.records[1:3]),
    )
    ends = own.payload["currency"]["redemption_account"]
    paid = {"id": "x", "kind": "payment", "payer": ana, "payee": shop, "amount": 10}
    fee = {"id": "pot", "currency": "PUMA", "kind": "member", "territory": None}
    journal.record("account.opened", at(10), accounts=[fee])
    before = len(journal.records)
    by_payee, by_payer = [["fee", "pot", 1]], [["fee", "pot", 2]]
    entries = [(ana, -10), (shop, 9), ("pot", 1)]
    journal.record("transfer.posted", at(10), entries=entries, transfer=paid | {"kept_back": by_payee})
    entries = [(ana, -12), (shop, 10), ("pot", 2)]
    journal.record("transfer.posted", at(10), entries=entries, transfer=paid | {"kept_back": by_payer})
    journal.transfer(shop, ana, 10, at(10), "refund")
    redeemed = paid | {
        "kind": "redemption",
        "payer": shop,
        "payee": ends,
        "kept_back": [["penalty", "pot", 3]],
    }
    entries = [(shop, -10), (ends, 7), ("pot", 3)]
    journal.record("transfer.posted", at(10), entries=entries, transfer=redeemed)
    expired = {"expired": [[ana, "2026-01-01|||", 5]]}
    journal.record("account.settled", at(10), entries=[(ana, -5), (ends, 5)], account=ana, settled=expired)
    projector.receive(resources, journal.records)
    columns = tables.movements.c
    with resources.database.read() as connection:
        keys = select(tables.accounts.c.account, tables.accounts.c.id)
        names = {row.account: row.id for row in connection.execute(keys)}
        query = select(columns.payer, columns.payee, columns.amount, columns.paid)
        found = connection.execute(
            query.where(columns.sequence > before).order_by(columns.sequence, columns.part)
        ).all()
    assert [(names.get(a), names.get(b), amount, paid) for a, b, amount, paid in found] == [
        (ana, shop, 10, 1),
        (shop, "pot", 1, 0),
        (ana, shop, 10, 1),
        (ana, "pot", 2, 0),
        (shop, ana, 10, 0),
        (shop, "pot", 3, 0),
        (shop, ends, 7, 1),
        (ana, ends, 5, 0),
    ]


class TestReasons:
    def test_single_days_are_not_worked_out(self, resources: Resources) -> None:
        assert {value["reason"] for value in ask(resources, "density", "day")} == {formulas.NOT_BY_DAY}

    def test_an_open_period_of_a_large_currency(
        self, resources: Resources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "MAX_MOVEMENTS_AT_ONCE", 7)
        assert [value["reason"] for value in ask(resources, "density")] == [
            formulas.BEING_WORKED_OUT,
            formulas.WHEN_CLOSED,
        ]

    def test_there_is_no_period_before_all_time(self, resources: Resources) -> None:
        [value] = ask(resources, "user_retention", "all")
        assert value["reason"] == formulas.NO_PERIOD_BEFORE


class TestPublic:
    """What everybody sees of a currency that is not simulated."""

    @pytest.fixture
    def busy(self, database: Database) -> Callable[[str], Resources]:
        """Six pay each other alike in the first week, and a seventh pays in the second."""

        def make(code: str) -> Resources:
            journal = Journal()
            issuance, _ = journal.currency(code, at(0, 0))
            people = [journal.account(code, at(0, 0)) for _ in range(7)]
            for person in people:
                journal.transfer(issuance, person, 100, at(0, 0))
            for payer, payee in zip(people[:6], [*people[1:6], people[0]], strict=True):
                journal.transfer(payer, payee, 10, at(2))
            journal.transfer(people[6], people[0], 10, at(8))
            made = resources_for(database, journal)
            projector.receive(made, journal.records)
            work.work(database, at(15))
            return made

        return make

    def public(self, resources: Resources, currency: str, code: str, now: int, period: str = "week") -> Any:
        question = Question(currency, None, period, None, None)
        [series] = answer(resources, [code], question, now, live=False)
        return [(value["value"], value["reason"]) for value in series["values"]]

    def test_closed_periods_of_enough_people_alone(self, busy: Callable[[str], Resources]) -> None:
        resources = busy("PUMA")
        few, opened = (None, formulas.FEW_PEOPLE), (None, formulas.PUBLIC_WHEN_CLOSED)
        for code, first in (
            ("volume", 60),
            ("active_accounts", 6),
            ("new_accounts", 6),
            ("density", 0.2),
            ("holding_period", 0.357143),
            ("gini_received", 0.142857),
        ):
            assert self.public(resources, "PUMA", code, at(15)) == [(first, None), few, opened], code
        # All seven hold something at the end of both weeks.
        assert self.public(resources, "PUMA", "supply", at(15)) == [(700, None), (700, None), opened]
        # Six were active before the second week, nobody before the first.
        assert self.public(resources, "PUMA", "user_retention", at(15)) == [few, (0.166667, None), opened]

    def test_the_running_period_and_days(self, busy: Callable[[str], Resources]) -> None:
        resources = busy("PUMA")
        days = self.public(resources, "PUMA", "volume", at(2), "day")
        assert [reason for _value, reason in days] == [
            formulas.FEW_PEOPLE,
            formulas.FEW_PEOPLE,
            formulas.PUBLIC_WHEN_CLOSED,
        ]

    def test_all_time_ends_with_the_last_closed_month(self, busy: Callable[[str], Resources]) -> None:
        resources = busy("PUMA")
        assert self.public(resources, "PUMA", "volume", at(15), "all") == [
            (None, formulas.PUBLIC_WHEN_CLOSED)
        ]
        question = Question("PUMA", None, "all", None, None)
        [series] = answer(resources, ["volume"], question, at(30), live=False)
        assert [(value["end"], value["value"]) for value in series["values"]] == [("2026-02-01", 70)]

    def test_one_account_that_prevails(self, database: Database) -> None:
        journal = Journal()
        issuance, _ = journal.currency("PUMA", at(0, 0))
        people = [journal.account("PUMA", at(0, 0)) for _ in range(6)]
        journal.transfer(issuance, people[0], 1_000, at(0, 0))
        for payee in people[1:]:
            journal.transfer(people[0], payee, 10, at(1))
        resources = resources_for(database, journal)
        projector.receive(resources, journal.records)
        work.work(database, at(8))
        for code in ("volume", "supply", "density", "holding_period"):
            [first, _second] = self.public(resources, "PUMA", code, at(8))
            assert first == (None, formulas.ONE_PREVAILS), code
        assert self.public(resources, "PUMA", "active_accounts", at(8))[0] == (6, None)

    def test_a_simulated_currency_is_open_throughout(self, busy: Callable[[str], Resources]) -> None:
        resources = busy("PUMAS")
        assert self.public(resources, "PUMAS", "volume", at(9)) == [(60, None), (10, None)]
        closed = self.public(resources, "PUMAS", "density", at(15))
        assert closed == [(0.2, None), (0.5, None), (None, formulas.WHEN_CLOSED)]


class TestProcess:
    """The process that does the work."""

    def finish(self, child: Child, resources: Resources, done: Callable[[], bool]) -> None:
        def stepped() -> bool:
            child.step(resources.database, resources.partitions)
            return done()

        wait_until(stepped, 30, "the process to have done its work")

    def test_it_is_started_when_there_is_work(self, resources: Resources) -> None:
        child = Child()
        try:
            self.finish(child, resources, lambda: ask(resources, "density")[0]["value"] == 0.5)
        finally:
            child.close()

    def test_a_failure_is_told(self, resources: Resources) -> None:
        child = Child((sys.executable, "-c", "input(); raise SystemExit(7)"))
        with pytest.raises(WorkFailed, match="exit code 7"):
            self.finish(child, resources, lambda: False)
        child.close()

    def test_it_ends_with_whoever_started_it(self, resources: Resources) -> None:
        child = Child((sys.executable, "-c", "import sys; sys.stdin.read()"))
        self.finish(child, resources, lambda: child._process is not None)
        process = child._process
        assert process is not None
        child.close()
        assert process.returncode is not None


def _stale(resources: Resources, now: int) -> list[cells.Wanted]:
    with resources.database.read() as connection:
        row = connection.execute(select(tables.currencies)).one()
        return store.stale(connection, row, now)


def _movements(resources: Resources) -> int:
    with resources.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.movements)).scalar_one())


def test_the_codes_are_those_of_the_cells() -> None:
    assert len(CODES) == len(set(CODES)) == 10
