"""The demo data: the simulated local currency of a neighbourhood of Seville, and people to sign in as.

Everything comes in as it would in earnest: the simulated log by the importer, people by identity's ordinary
call. Ids follow from the scenario, so a seeding that was interrupted is simply done again.
"""

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from deploy.connect import Connection, over
from deploy.demo import marker
from deploy.demo.marker import SignIn
from deploy.demo.simulation.log import write_log
from deploy.demo.simulation.scenario import Scenario, seville_demo
from deploy.demo.simulation.town import Participant, describe
from deploy.importing import find_target, import_log
from deploy.refusals import CommandRefused
from services.ledger.imports.replay import Tags, Target, holder_id
from shared.config import Config
from shared.contracts import ids
from shared.messaging.client import Client

CURRENCY = "AMATE"
TERRITORY = "es-seville"
NEIGHBOURHOODS = ("es-seville-amate", "es-seville-tres-barrios")
NAMES = {
    "en": "Amate (simulated)",
    "fr": "Amate (simulé)",
    "es": "Amate (simulado)",
    "pt": "Amate (simulado)",
    "el": "Amate (προσομοίωση)",
    "ar": "أماتي (محاكاة)",
}
BUSINESSES = ("shop", "supplier", "agent")
SPENDING_MONEY = 3_000
"""Minor units that the demo's household should have left to try paying with."""


def seed_demo(config: Config, client: Client, progress: Callable[[int], None] = lambda rows: None) -> None:
    """Fill an installation that has no currency of its own yet. Raises CommandRefused where it has.

    `progress` is told often how many rows are in; what it raises ends the seeding, which may be done again.
    """
    connection = over(config, client)
    if not marker.is_pending(config):
        _refuse_if_used(connection)
        marker.begin(config, _new_sign_ins())
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    scenario = seville_demo(marker.ends_on(config, yesterday))
    participants = {one.address: one for one in describe(scenario)}
    _import(connection, scenario, participants, progress)
    _register(connection, list(participants.values()), marker.read(config))
    marker.finish(config)


def _refuse_if_used(connection: Connection) -> None:
    known = connection.client.call("ledger", "list_currencies", {}, token=connection.tokens.token("ledger"))
    if known["data"]:
        raise CommandRefused("there is a currency already: demo data go into an empty installation only")


def _new_sign_ins() -> list[SignIn]:
    return [
        SignIn("household", "household@demo.example", marker.new_password()),
        SignIn("shop", "shop@demo.example", marker.new_password()),
        SignIn("operator", "operator@demo.example", marker.new_password()),
        SignIn("administrator", "administrator@demo.example", marker.new_password()),
    ]


def _import(
    connection: Connection,
    scenario: Scenario,
    participants: dict[str, Participant],
    progress: Callable[[int], None],
) -> None:
    log = io.StringIO()
    write_log(scenario, log, progress=lambda *_: progress(0))
    log.seek(0)
    found = find_target(connection, CURRENCY, minor_units=100, territory=TERRITORY, simulated=True)
    target = Target(
        CURRENCY,
        found.minor_units,
        partition=found.partition,
        exists=found.exists,
        names=NAMES,
        territory=TERRITORY,
        simulated=True,
        tags=lambda address: _tags(participants[address]),
    )
    rejected: list[object] = []
    import_log(connection, log, target, reject=rejected.append, progress=progress)
    if rejected:
        raise CommandRefused(f"the simulated log was not accepted whole: {rejected[0]}")


def _tags(participant: Participant) -> Tags:
    kind = "organisation" if participant.role in BUSINESSES else "member"
    place = NEIGHBOURHOODS[sha256(participant.address.encode()).digest()[0] % len(NEIGHBOURHOODS)]
    return Tags(kind, place, participant.category.replace(" ", "-"))


def _register(
    connection: Connection, participants: Sequence[Participant], sign_ins: Sequence[SignIn]
) -> None:
    household, shop, operator, administrator = sign_ins
    businesses = [one for one in participants if one.role in BUSINESSES]
    first_shop = next(one for one in businesses if one.role == "shop")
    for business in businesses:
        known = shop if business is first_shop else None
        _create(
            connection, holder_id(CURRENCY, business.address), business.label.capitalize(), known, listed=True
        )
    _create(connection, _household(connection, participants), "Household", household)
    _create(connection, ids.derived_id("demo", "operator"), "Operator", operator, roles=["operator"])
    roles = ["administrator", "operator"]
    _create(connection, ids.derived_id("demo", "administrator"), "Administrator", administrator, roles=roles)


def _create(
    connection: Connection,
    person: str,
    name: str,
    sign_in: SignIn | None,
    *,
    listed: bool = False,
    roles: Sequence[str] = (),
) -> None:
    connection.client.call(
        "identity",
        "create_person",
        {
            "id": person,
            "kind": "organisation" if listed else "person",
            "name": f"{name} (simulated)",
            "email": sign_in.email if sign_in else None,
            "password": sign_in.password if sign_in else None,
            "roles": list(roles),
            "listed": listed,
        },
        token=connection.tokens.token("identity"),
    )


def _household(connection: Connection, participants: Sequence[Participant]) -> str:
    """The holder of a household that receives aid and has some of it left."""
    aided = (one for one in participants if one.category == "aided household")
    holders = [holder_id(CURRENCY, one.address) for one in aided]
    for holder in holders:
        accounts = connection.client.call(
            "ledger",
            "list_accounts",
            {"currency": CURRENCY, "holder": holder},
            token=connection.tokens.token("ledger"),
        )
        if any(account["balance"]["amount"] >= SPENDING_MONEY for account in accounts["data"]):
            return holder
    return holders[0]
