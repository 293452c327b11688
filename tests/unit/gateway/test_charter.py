"""A charter in sentences, and the page that shows its versions."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway import charter_words, i18n
from shared.contracts import ids
from shared.contracts.charters import (
    Charter,
    ExpiryClause,
    FeeClause,
    IssuanceClause,
    LimitClause,
    Penalty,
    PurposeClause,
    RedemptionClause,
    document,
)
from shared.contracts.errors import Refusal
from tests.support.charters import charter, rows
from tests.unit.gateway.canned import CannedClient

NB, LRI, FSI, PDI = "\u00a0", "\u2066", "\u2068", "\u2069"
FUND = ids.new_account_id(0)
EVERYTHING = charter(
    names={"en": "Puma", "ar": "بوما"},
    symbols={"en": "P"},
    description={"en": "For the three quarters.", "es": "Para los tres barrios."},
    limits=[
        LimitClause(
            kind="member",
            credit_limit=5_000,
            maximum_balance=100_000,
            per_transfer=20_000,
            per_day=20_000,
            per_month=90_000,
            soft_credit_limit=4_000,
            soft_per_day=10_000,
            soft_per_month=50_000,
        ),
        LimitClause(kind="organisation"),
        LimitClause(kind="member", level=2, credit_limit=10_000),
    ],
    issuance=IssuanceClause(case_reference_required=True),
    redemption=RedemptionClause(
        kinds=["organisation"],
        minimum=1_000,
        case_reference_required=True,
        penalties=[Penalty(under_days=45, basis_points=500)],
        penalty_to=FUND,
        lot="week",
    ),
    fee=FeeClause(to=FUND, fixed=5, basis_points=150),
    expiry=ExpiryClause(after_days=180, lot="month", notice_days=1),
    purposes=[
        PurposeClause(
            code="food",
            names={"en": "Food", "ar": "غذاء"},
            categories=["grocer", "market"],
            places=["triana"],
            groups=["tres-barrios"],
            goods=["food"],
            since="2026-12-01",
            until="2027-06-30",
            carries=True,
        )
    ],
)


def words(given: Charter, language: str = "en", code: str = "PUMA") -> dict[str, list[str]]:
    with i18n.speaking(language):
        return {section.place: section.sentences for section in charter_words.sections(given, code)}


def test_every_clause_is_a_sentence() -> None:
    assert words(EVERYTHING) == {
        "/kind": [
            "A backed currency: units are issued against something, and redeemed for it.",
            "Amounts have 2 decimals.",
            "Its symbol is P.",
        ],
        "/limits/0": [
            f"The account may owe up to 50.00{NB}PUMA.",
            f"The account may hold up to 1,000.00{NB}PUMA.",
            f"Up to 200.00{NB}PUMA may be spent at a time.",
            f"Up to 200.00{NB}PUMA may be spent in a day.",
            f"Up to 900.00{NB}PUMA may be spent in a month.",
            f"Whoever comes to owe more than 40.00{NB}PUMA is warned.",
            f"Whoever spends more than 100.00{NB}PUMA in a day is warned.",
            f"Whoever spends more than 500.00{NB}PUMA in a month is warned.",
        ],
        "/limits/2": [
            "The holder's identity has been checked.",
            f"The account may owe up to 100.00{NB}PUMA.",
            "There is no limit to what the account may hold.",
        ],
        "/limits/1": [
            "The account cannot go below zero.",
            "There is no limit to what the account may hold.",
        ],
        "/issuance": ["Operators issue units.", "Each issuance needs a case reference."],
        "/redemption": [
            "Organisations may have units redeemed.",
            "Credit is not redeemed.",
            "Units for a purpose are not redeemed.",
            f"The least that is redeemed at a time is 10.00{NB}PUMA.",
            "Each redemption needs a case reference.",
            "Of units held for less than 45 days, 5% is kept back.",
            "Days are counted from the beginning of the week in which units were received.",
            f"What is kept back goes to the account {FUND}.",
            "Fractions are rounded down.",
        ],
        "/fee": [
            f"Of each payment, the payee gives up 0.05{NB}PUMA and 1.5% of the amount.",
            f"The fee goes to the account {FUND}.",
            "Fractions are rounded down.",
        ],
        "/expiry": [
            "Units lapse 180 days after the end of the month in which they were issued.",
            "Whoever is paid with them keeps them for good.",
            "Holders are told 1 day before.",
        ],
        "/purposes/0": [
            "They can be spent only with payees of the category grocer or market.",
            "They can be spent only with payees in the place triana.",
            "They can be spent only with payees of the group tres-barrios.",
            "They can be spent only for goods of the category food.",
            "They can be spent from 1 December 2026 on.",
            "Their last day is 30 June 2027; what is left then lapses.",
            "The restriction goes with the units when they are paid on.",
        ],
    }


def test_what_is_not_agreed_is_said_too() -> None:
    simplest = words(charter())
    assert simplest["/fee"] == ["Payments are free of charge."]
    assert simplest["/expiry"] == ["Units do not lapse, unless their purpose has an end."]
    assert simplest["/redemption"] == ["Members and organisations may have units redeemed."]
    suspended = words(
        charter(issuance=IssuanceClause(allowed=False), redemption=RedemptionClause(allowed=False))
    )
    assert suspended["/issuance"] == ["No units are issued under this version."]
    assert suspended["/redemption"] == ["No units are redeemed under this version."]


def test_mutual_credit_has_no_word_of_redemption() -> None:
    mutual = words(charter(kind="mutual_credit", limits=rows(credit_limit=100)))
    assert list(mutual) == ["/kind", "/limits/0", "/limits/1", "/issuance", "/fee"]


def test_hours_are_hours() -> None:
    hours = words(charter(kind="time", minor_units=60, limits=rows(credit_limit=90)))
    assert hours["/kind"][1] == "Amounts are hours and minutes."
    assert hours["/limits/0"][0] == f"The account may owe up to 1{NB}h{NB}30{NB}min."


def test_amounts_and_foreign_words_keep_their_direction_in_arabic() -> None:
    arabic = words(EVERYTHING, "ar")
    assert f"{LRI}50.00{NB}PUMA{PDI}" in arabic["/limits/0"][0]
    assert f"{FSI}grocer{PDI}" in arabic["/purposes/0"][0]
    assert f"{FSI}{FUND}{PDI}" in arabic["/fee"][1]


@pytest.mark.parametrize("language", [code for code in i18n.OWN_NAMES if code != "en"])
@pytest.mark.parametrize("days", [1, 2, 3, 11, 100])
def test_every_sentence_is_translated(language: str, days: int) -> None:
    lots = ("day", "week", "month")
    for lot, paid_by in zip(lots, ("payer", "payee", "payer"), strict=True):
        given = charter(
            expiry=ExpiryClause(after_days=days + 1, lot=lot, notice_days=days, carries=days == 1),  # type: ignore[arg-type]
            fee=FeeClause(to=FUND, fixed=0 if lot == "day" else 1, basis_points=9, paid_by=paid_by),  # type: ignore[arg-type]
        )
        english, other = words(given), words(given, language)
        for place, sentences in other.items():
            assert not set(sentences) & set(english[place])


VERSIONS = [
    {"version": 1, "valid_from": "2026-01-01T00:00:00.000000Z"},
    {"version": 2, "valid_from": "2026-03-01T00:00:00.000000Z"},
    {"version": 3, "valid_from": "2999-01-01T00:00:00.000000Z"},
]


@pytest.fixture
def ledger(services: CannedClient) -> CannedClient:
    """A ledger with three versions of a charter, the second of which is in force."""

    def answer(asked: Any) -> dict[str, Any]:
        version = asked["version"] or 2
        if version > 3:
            raise Refusal("not-found")
        valid_from = VERSIONS[version - 1]["valid_from"]
        return {
            "currency": "PUMA",
            "version": version,
            "valid_from": valid_from,
            "in_force": version == 2,
            "versions": VERSIONS,
            "charter": document(EVERYTHING if version == 2 else charter()),
        }

    services.answers["ledger.get_charter"] = answer
    return services


def test_anybody_reads_the_version_in_force(door: FlaskClient, ledger: CannedClient) -> None:
    page = door.get("/currencies/PUMA/charter").text.partition("<main")[2]
    assert "Version 2" in page.partition("<ul>")[0]
    assert "For the three quarters." in page
    assert "Units for a purpose: Food" in page
    for status in ("In force", "Past", "To come"):
        assert status in page
    assert "1 Jan 2999" in page
    assert page.index("?version=3") < page.index("?version=2") < page.index("?version=1")


def test_other_versions_are_read_by_their_number(door: FlaskClient, ledger: CannedClient) -> None:
    page = door.get("/currencies/PUMA/charter?version=3").text.partition("<main")[2]
    assert ledger.asked("ledger.get_charter") == {"currency": "PUMA", "version": 3}
    assert "To come" in page.partition("<ul>")[0]
    assert "Payments are free of charge." in page
    for wrong in ("4", "x", "-1", "99999", "٣", ""):
        assert door.get(f"/currencies/PUMA/charter?version={wrong}").status_code == 404


def test_the_page_is_in_the_readers_language(door: FlaskClient, ledger: CannedClient) -> None:
    with i18n.speaking("en"):
        page = door.get("/currencies/PUMA/charter?lang=es").text
    assert "Para los tres barrios." in page
    assert "En vigor" in page
