"""What the chapters begin with: the ledger, currencies of this run's own, and a second person where given."""

import pytest

from .api import Client
from .begun import (  # noqa: F401 (fixtures are found by their names here)
    begin,
    begun_fee,
    begun_limit,
    begun_payment,
    begun_penalty,
    begun_refusal,
    begun_reservation,
)
from .books import Currency, charter, new_currency
from .run import Settings


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    found: Settings = pytestconfig.stash[Settings.KEY]
    return found


@pytest.fixture(scope="session")
def client(settings: Settings) -> Client:
    """Speaks with the token."""
    return Client(settings.url, settings.token)


@pytest.fixture(scope="session")
def stranger(settings: Settings) -> Client:
    """Speaks without any token."""
    return Client(settings.url, None)


@pytest.fixture(scope="session")
def second(settings: Settings) -> Client:
    """Speaks with the second token: another operator."""
    if settings.second_token is None:
        pytest.skip("no --second-token was given")
    return Client(settings.url, settings.second_token)


@pytest.fixture(scope="session")
def member(settings: Settings) -> Client:
    """Speaks with the member's token: of somebody who has no role."""
    if settings.member_token is None:
        pytest.skip("no --member-token was given")
    return Client(settings.url, settings.member_token)


@pytest.fixture(scope="session")
def subject(client: Client) -> str:
    """The id of who holds the token."""
    return str(client.get("/sessions/current")["person"]["id"])


@pytest.fixture(scope="session")
def second_subject(second: Client) -> str:
    return str(second.get("/sessions/current")["person"]["id"])


@pytest.fixture(scope="session")
def member_subject(member: Client) -> str:
    return str(member.get("/sessions/current")["person"]["id"])


@pytest.fixture(scope="session")
def backed(client: Client, subject: str) -> Currency:
    """A currency whose units are issued and redeemed."""
    return new_currency(client, subject)


@pytest.fixture
def fresh(client: Client, subject: str) -> Currency:
    """A currency of the test's own."""
    return new_currency(client, subject)


@pytest.fixture(scope="session")
def mutual(client: Client, subject: str) -> Currency:
    """A currency of mutual credit; members may owe 1,000."""
    return new_currency(client, subject, kind="mutual_credit", default_credit_limit=1000)


@pytest.fixture(scope="session")
def purposed(client: Client, subject: str) -> Currency:
    """A currency with units for meals (places to eat) and for books (goods), soft limits and a case asked
    for.
    """
    document = charter(
        limits=[
            {"kind": "member", "soft_per_day": 500},
            {"kind": "organisation"},
        ],
        issuance={"case_reference_required": True},
        redemption={"kinds": ["organisation"], "minimum": 50},
        purposes=[
            {"code": "meals", "names": {"en": "Meals"}, "categories": ["bakery", "canteen"]},
            {"code": "books", "names": {"en": "Books"}, "goods": ["books"]},
            {"code": "club", "names": {"en": "Club"}, "groups": ["club"]},
        ],
    )
    return new_currency(client, subject, charter=document)
