"""What must hold after a fault of the embedded installation."""

import json

from tests.support import tally
from tests.support.api import Town
from tests.support.deployment import Deployment
from tests.support.faults.shadow import Shadow
from tests.support.faults.steady_load import ISSUED, SteadyLoad

CATCH_UP_SECONDS = 60.0


def check(deployment: Deployment, town: Town, load: SteadyLoad) -> None:
    """Every account and the dashboard have come to what was acknowledged, and the books are sound. Everything
    sent must have been answered before (`load.settle`).
    """
    for books in load.books:
        payer = town.member.get(f"/accounts/{books.payer}")
        assert payer["balance"]["amount"] == ISSUED - books.paid, books
        assert payer["reserved"]["amount"] == books.reserved, books
        assert town.operator.balance(books.payee) == books.paid, books
        assert town.operator.balance(books.poor) == 0, books
    for sent in [*load.memory.accepted[-5:], *load.memory.refused[-5:]]:
        load.again(sent)
    done = deployment.medtown("verify-ledger", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["sound"] is True
    town.wait_for_indicator("transfer_count", sum(books.payments for books in load.books), CATCH_UP_SECONDS)
    assert town.indicator("volume") == sum(books.paid for books in load.books)
    assert town.indicator("supply") == ISSUED * len(load.books)
    with Shadow(deployment.database_url("ledger")) as shadow:
        shadow.must_equal(deployment.database_url("dashboard"))
    tally.count("rounds of faults")
