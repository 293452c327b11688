"""The answers about a small currency whose figures are worked out by hand, and their form."""

from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.dashboard.circulation.cells import CODES
from services.dashboard.indicators.catalogue import INDICATORS
from services.dashboard.indicators.figures import FIGURES
from services.dashboard.indicators.queries import Question, answer
from services.dashboard.projection import positions, projector
from services.dashboard.registrations.operations import count_registration
from services.dashboard.resources import Resources
from services.dashboard.service import SERVICE
from shared.auth.principal import OPERATOR
from shared.auth.tokens import Signer, TrustedIssuer, Verifier
from shared.contracts import clock
from shared.contracts.dashboard import IndicatorSeriesView
from shared.contracts.errors import Refusal
from shared.contracts.events import PERSON_REGISTERED, Event, new_event
from shared.contracts.ids import new_id
from shared.db.engine import Database
from shared.messaging.dispatch import Dispatcher
from tests.unit.services.dashboard.journal import Journal, at, resources_for

# PUMA, backed, in two territories: Ana and the shop in the north, Bea in the south. Day 0 is a Monday:
#   day 0, 00:00  700 issued to Ana
#   day 1, 12:00  Ana pays the shop 100
#   day 2, 12:00  Ana pays the shop 200
#   day 3, 12:00  the shop pays Bea 50
#   day 8, 12:00  Bea pays Ana 30
#   day 9, 00:00  the shop redeems 140
# "Now" is day 10, 12:00.
NOW = at(10)
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def resources(database: Database) -> Resources:
    journal = Journal()
    issuance, redemption = journal.currency("PUMA", at(0, 0))
    ana = journal.account("PUMA", at(0, 0))
    shop = journal.account("PUMA", at(0, 0), "organisation", "north")
    bea = journal.account("PUMA", at(0, 0), "member", "south")
    journal.transfer(issuance, ana, 700, at(0, 0))
    journal.transfer(ana, shop, 100, at(1))
    journal.transfer(ana, shop, 200, at(2))
    journal.transfer(shop, bea, 50, at(3))
    journal.transfer(bea, ana, 30, at(8))
    journal.transfer(shop, redemption, 140, at(9, 0))
    made = resources_for(database, journal)
    projector.receive(made, journal.records)
    return made


def ask(
    resources: Resources, code: str, period: str = "week", territory: str | None = None, **bounds: Any
) -> dict[str, Any]:
    question = Question("PUMA", territory, period, bounds.get("start"), bounds.get("end"))
    [series] = answer(resources, [code], question, NOW, live=True)
    return series


def values(series: dict[str, Any]) -> list[Any]:
    return [value["value"] for value in series["values"]]


# (indicator, territory, its figures in the first week and the second)
BY_HAND: list[tuple[str, str | None, float | None, float | None]] = [
    ("supply", None, 700, 560),
    # Ana 700 - 300 + 30, the shop 300 - 50 - 140.
    ("supply", "north", 650, 540),
    ("supply", "south", 50, 20),
    ("volume", None, 350, 30),
    ("volume", "north", 350, 0),
    ("volume", "south", 0, 30),
    ("transfer_count", None, 3, 1),
    # 350 / 3 = 116.67
    ("mean_transfer", None, 117, 30),
    ("median_transfer", None, 100, 30),
    ("median_transfer", "south", None, 30),
    # Week 1: 700 lie on accounts throughout: 350 / 700. Week 2, of which 3.5 days have passed: two days
    # of 700, one and a half of 560: mean 640, half a week: 30 / (640 / 2).
    ("velocity", None, 0.5, 0.09375),
    ("active_accounts", None, 3, 2),
    ("active_accounts", "north", 2, 1),
    ("new_accounts", None, 3, 0),
    ("new_accounts", "south", 1, 0),
    # Ana 400, the shop 250, Bea 50: (-2 * 50 + 0 * 250 + 2 * 400) / (3 * 700).
    # Then Ana 430, the shop 110, Bea 20: (-2 * 20 + 2 * 430) / (3 * 560).
    ("gini_balances", None, 0.333333, 0.488095),
    # Of the three of the first week, Ana and Bea in the second; before the first there is none.
    ("user_retention", None, None, 0.666667),
    # Received: the shop 300, Bea 50, Ana 0: (0 * 50 + 2 * 300) / (3 * 350). Then Ana alone.
    ("gini_received", None, 0.571429, 0.666667),
]


def test_figures_by_hand(resources: Resources) -> None:
    found = [
        (code, territory, *values(ask(resources, code, territory=territory)))
        for code, territory, *_ in BY_HAND
    ]
    assert found == BY_HAND


def test_gini_over_active_accounts_alone(resources: Resources) -> None:
    # In the second week Bea paid Ana 30; the shop, with its 110, took no part.
    # Balances 20 and 430: (-1 * 20 + 1 * 430) / (2 * 450). Received 0 and 30: (-1 * 0 + 1 * 30) / (2 * 30).
    question = Question("PUMA", None, "week", None, None, accounts="active")
    balances, received = answer(resources, ["gini_balances", "gini_received"], question, NOW, live=True)
    assert (values(balances)[1], values(received)[1]) == (0.455556, 0.5)


def test_the_period_that_runs_is_not_closed(resources: Resources) -> None:
    assert [value["closed"] for value in ask(resources, "volume")["values"]] == [True, False]


def test_every_indicator_of_a_currency_has_its_figure() -> None:
    known = {code for code, indicator in INDICATORS.items() if indicator.of_currency}
    assert known == {*FIGURES, *CODES}


def test_negative_balances_in_mutual_credit(database: Database) -> None:
    # Ana pays Bea 60 on credit at the start of day 0, and 40 more a day later; the supply is what Bea has.
    journal = Journal()
    journal.currency("ELIO", at(0, 0), "mutual_credit")
    ana, bea = (journal.account("ELIO", at(0, 0)) for _ in range(2))
    journal.transfer(ana, bea, 60, at(0, 0))
    journal.transfer(ana, bea, 40, at(1, 0))
    resources = resources_for(database, journal)
    projector.receive(resources, journal.records)
    codes = ["supply", "velocity", "gini_balances"]
    supply, velocity, gini = answer(
        resources, codes, Question("ELIO", None, "day", None, None), at(2, 0) - 1, live=True
    )
    assert values(supply) == [60, 100]
    # Day 0: 60 paid, mean 60, a seventh of a week: 7 a week. Day 1: 40 / (100 / 7).
    assert values(velocity) == [7.0, 2.8]
    assert values(gini) == [None, None]
    assert "negative" in gini["values"][0]["reason"]


def test_a_period_without_transfers_has_no_mean_and_a_volume_of_zero(resources: Resources) -> None:
    start, end = date(2026, 1, 9), date(2026, 1, 10)
    [mean] = ask(resources, "mean_transfer", "day", start=start, end=end)["values"]
    [volume] = ask(resources, "volume", "day", start=start, end=end)["values"]
    assert (mean["value"], volume["value"]) == (None, 0)
    assert "no transfers" in mean["reason"]
    assert volume["reason"] is None


def test_before_the_currency_and_after_today_nothing_is_known(resources: Resources) -> None:
    series = ask(resources, "volume", "week", start=date(2025, 12, 31), end=date(2026, 1, 20))
    assert values(series) == [None, 350, 30, None]
    reasons = [value["reason"] for value in series["values"]]
    assert ["before" in (reasons[0] or ""), "not begun" in (reasons[3] or "")] == [True, True]


def test_a_territory_without_accounts(resources: Resources) -> None:
    series = ask(resources, "supply", territory="west")
    assert values(series) == [None, None]
    assert "territory" in series["values"][0]["reason"]


def test_all_time_is_one_open_period(resources: Resources) -> None:
    series = ask(resources, "volume", "all", start=date(2026, 1, 7), end=date(2026, 1, 8))
    assert series["values"] == [
        {"start": "2026-01-05", "end": "2026-01-16", "closed": False, "value": 380, "reason": None}
    ]


def test_the_answer_says_up_to_where_it_counts(resources: Resources) -> None:
    series = ask(resources, "supply")
    assert IndicatorSeriesView().validate(series) == {}
    assert series["indicator"] == INDICATORS["supply"].view()
    assert (series["minor_units"], series["simulated"], series["stalled"]) == (100, False, False)
    assert (series["position"]["sequence"], series["as_of"]) == (10, clock.to_text(at(9, 0)))
    with resources.database.write() as connection:
        positions.stall(connection, 0, "unreadable")
    assert ask(resources, "supply")["stalled"]


def test_registrations_are_counted_once_each(resources: Resources) -> None:
    def registered(when: int) -> Event:
        event = new_event(PERSON_REGISTERED, "someone", {"id": new_id(), "version": 1})
        return Event(
            id=event.id,
            source=event.source,
            type=event.type,
            subject="",
            time=clock.to_text(when),
            data=event.data,
        )

    first = registered(at(0))
    for event in (first, registered(at(0)), first, registered(at(8))):
        count_registration(resources, event)
    series = ask(resources, "registered_people")
    assert (values(series), series["currency"], series["minor_units"]) == ([2, 1], None, None)
    assert IndicatorSeriesView().validate(series) == {}
    projector.rebuild(resources)
    assert values(ask(resources, "registered_people")) == [2, 1]


class TestCalls:
    """The calls as they come over the bus, from an operator."""

    @pytest.fixture
    def dispatcher(self, resources: Resources) -> Dispatcher:
        issuer = TrustedIssuer(KEY.public_key(), frozenset({OPERATOR}))
        return Dispatcher(SERVICE, resources, Verifier("dashboard", {"identity": issuer}))

    def call(self, dispatcher: Dispatcher, method: str, **arguments: Any) -> Any:
        token = Signer("identity", KEY).sign("somebody", "dashboard", frozenset({OPERATOR}))
        message = {"arguments": arguments, "token": token, "not_after": clock.deadline(5)}
        reply = dispatcher.handle(method, message)
        if "refusal" in reply:
            raise Refusal.from_wire(reply["refusal"])
        return reply["result"]

    def test_the_catalogue(self, dispatcher: Dispatcher) -> None:
        listed = self.call(dispatcher, "list_indicators")
        assert [indicator["code"] for indicator in listed["data"]] == list(INDICATORS)
        assert (listed["next_cursor"], listed["has_more"]) == (None, False)

    def test_one_indicator(self, dispatcher: Dispatcher) -> None:
        arguments = {
            "code": "volume",
            "currency": "PUMA",
            "period": "week",
            "from": "2026-01-05",
            "to": "2026-01-19",
        }
        assert values(self.call(dispatcher, "get_indicator", **arguments)) == [350, 30]

    def test_several(self, dispatcher: Dispatcher) -> None:
        codes = ["volume", "registered_people", "supply"]
        answered = self.call(dispatcher, "get_overview", currency="PUMA", codes=codes, period="all")
        assert [series["indicator"]["code"] for series in answered["data"]] == codes

    def test_refusals(self, dispatcher: Dispatcher) -> None:
        for slug, arguments in (
            ("not-found", {"code": "happiness", "currency": "PUMA"}),
            ("unknown-currency", {"code": "volume", "currency": "NONE"}),
            ("invalid-request", {"code": "volume"}),
            ("invalid-request", {"code": "volume", "currency": "PUMA", "period": "decade"}),
            (
                "invalid-request",
                {"code": "volume", "currency": "PUMA", "from": "2026-02-02", "to": "2026-01-01"},
            ),
        ):
            with pytest.raises(Refusal) as refused:
                self.call(dispatcher, "get_indicator", **arguments)
            assert refused.value.slug == slug, arguments
