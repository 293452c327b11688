"""Which user may send which call, of all calls that there are: by the very patterns that RabbitMQ is given.
That it follows them is seen in tests/integration/test_permissions.py.
"""

import re

import pytest

from deploy.installing import broker
from deploy.services import SERVICES
from services.ledger.service import writer_service

TABLES = [*(owner.table() for owner in SERVICES.values()), writer_service(0)]
CALLS = {f"{table.name}.{call}" for table in TABLES for call in table.calls}
JOURNAL = "ledger.journal_since"
MAY_SEND = {
    "gateway": CALLS - {JOURNAL},
    "tools": CALLS,
    "dashboard-jobs": {JOURNAL},
    "ledger-jobs": {"ledger_writer_0.decide"},
}
"""All others send none."""
DEFINITIONS = broker.definitions()
USERS = [user["name"] for user in DEFINITIONS["users"]]


def test_these_are_all_calls() -> None:
    assert len(CALLS) > 50
    assert {JOURNAL, "ledger_writer_0.decide", "identity.exchange"} <= CALLS
    assert MAY_SEND.keys() <= set(USERS)


@pytest.mark.parametrize("user", USERS)
def test_a_user_sends_the_calls_that_it_makes_and_no_others(user: str) -> None:
    sent = _sent(user, CALLS | {f"{call}.more" for call in CALLS} | {f"more.{call}" for call in CALLS})
    assert sent == MAY_SEND.get(user, set())


def _sent(user: str, keys: set[str]) -> set[str]:
    """Those of the routing keys that the broker lets a user send on the exchange of calls."""
    [names] = [given for given in DEFINITIONS["permissions"] if given["user"] == user]
    if not re.search(names["write"], "nameko-rpc"):
        return set()
    # Where there is no pattern for an exchange, RabbitMQ lets every key pass.
    [routing] = [
        given
        for given in DEFINITIONS["topic_permissions"]
        if given["user"] == user and given["exchange"] == "nameko-rpc"
    ]
    return {key for key in keys if re.search(routing["write"], key)}
