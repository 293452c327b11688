"""The projector: gaps, doubles, a restored ledger, records that cannot be applied."""

import threading
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select

from services.dashboard.projection import positions, projector, tables
from services.dashboard.projection.projector import ProjectionStalled
from services.dashboard.resources import Resources
from shared.contracts.errors import Refusal
from shared.contracts.journal import BEGINNING, TRANSFER_POSTED
from shared.contracts.money import MAX_AMOUNT
from shared.db.engine import Database
from tests.unit.services.dashboard.journal import Journal, JournalClient, at, resources_for


class Town:
    """A journal with a currency and two funded members."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.issuance, self.redemption = self.journal.currency("PUMA", at(0))
        self.ana, self.bea = (self.journal.account("PUMA", at(0)) for _ in range(2))
        self.journal.transfer(self.issuance, self.ana, 10_000, at(0))

    def pay(self, times: int, day: int = 1) -> None:
        for _ in range(times):
            self.journal.transfer(self.ana, self.bea, 1, at(day))


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def resources(database: Database, town: Town) -> Resources:
    return resources_for(database, town.journal, page=50)


def standing(resources: Resources) -> positions.Progress:
    with resources.database.read() as connection:
        return positions.load(connection, 0)


def volume(resources: Resources) -> int:
    with resources.database.read() as connection:
        return int(connection.execute(select(func.sum(tables.pool_days.c.volume))).scalar() or 0)


def client(resources: Resources) -> JournalClient:
    assert isinstance(resources.client, JournalClient)
    return resources.client


def metric(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"partition": "0"})


def finish(resources: Resources) -> None:
    while projector.catch_up(resources):
        pass


def test_what_goes_on_is_applied_without_asking(town: Town, resources: Resources) -> None:
    town.pay(3)
    projector.receive(resources, town.journal.records[:5])
    projector.receive(resources, town.journal.records[5:])
    assert standing(resources).position == town.journal.records[-1].position
    assert (volume(resources), client(resources).pulls) == (3, 0)


def test_a_doubled_batch_changes_nothing(town: Town, resources: Resources) -> None:
    town.pay(3)
    for _ in range(2):
        projector.receive(resources, town.journal.records)
    projector.receive(resources, town.journal.records[4:6])
    assert (volume(resources), client(resources).pulls) == (3, 0)


def test_a_gap_is_pulled_until_caught_up(town: Town, resources: Resources) -> None:
    projector.receive(resources, town.journal.records)
    town.pay(120)
    projector.receive(resources, town.journal.records[-1:])
    assert (volume(resources), client(resources).pulls) == (120, 4)


def test_the_job_finds_what_no_message_told(town: Town, resources: Resources) -> None:
    town.pay(60)
    assert projector.catch_up(resources)
    finish(resources)
    assert volume(resources) == 60
    pulls = client(resources).pulls
    assert not projector.catch_up(resources)
    assert client(resources).pulls == pulls + 1
    assert metric("projection_lag_seconds") == 0


def test_the_job_asks_for_nothing_while_messages_come(town: Town, resources: Resources) -> None:
    job = projector.CatchUp(resources)
    while job.step():
        pass
    asked = client(resources).pulls
    for _ in range(3):
        town.pay(2)
        projector.receive(resources, town.journal.records[-2:])
        assert not job.step()
    assert (volume(resources), client(resources).pulls) == (6, asked)
    town.pay(60)
    while job.step():
        pass
    assert (volume(resources), client(resources).pulls) == (66, asked + 3)


def test_the_job_asks_though_it_moved_where_it_stands_before_a_record(
    town: Town, resources: Resources
) -> None:
    job = projector.CatchUp(resources)
    while job.step():
        pass
    town.pay(1)
    broken = town.journal.record("levy.booked", at(1), entries=[("nobody", -1), (town.ana, 1)])
    projector.receive(resources, town.journal.records[-2:])
    for _ in range(2):
        with pytest.raises(ProjectionStalled):
            job.step()
    town.journal.records[-1] = msgspec.structs.replace(broken, payload={"accounts": [], "entries": []})
    while job.step():
        pass
    assert (volume(resources), standing(resources).stalled) == (1, None)


def test_an_empty_batch_is_nothing(resources: Resources) -> None:
    projector.receive(resources, [])
    assert standing(resources).position == BEGINNING


def test_a_restored_ledger_makes_it_start_anew(town: Town, resources: Resources) -> None:
    town.pay(5)
    finish(resources)
    discarded = metric("projection_diverged_total") or 0
    town.journal = client(resources).journal = town.journal.restored(6)
    town.pay(30)
    projector.receive(resources, town.journal.records[6:8])
    assert standing(resources).position == town.journal.records[-1].position
    assert volume(resources) == 2 + 30
    assert metric("projection_diverged_total") == discarded + 1


def test_a_ledger_restored_to_where_we_stand_goes_on(town: Town, resources: Resources) -> None:
    town.pay(5)
    projector.receive(resources, town.journal.records[:7])
    town.journal = client(resources).journal = town.journal.restored(7)
    town.pay(2)
    finish(resources)
    assert (volume(resources), standing(resources).position.timeline) == (5, town.journal.timeline)


@pytest.mark.parametrize(
    ("type_", "payload", "reason"),
    [
        (TRANSFER_POSTED, {"entries": [("nobody", -1), ("no one", 1)], "transfer": None}, "unreadable"),
        ("levy.booked", {"entries": [("nobody", -1), ("no one", 1)]}, "unknown-account"),
        (
            "account.opened",
            {"accounts": [{"id": "x", "currency": "NONE", "kind": "member"}]},
            "unknown-currency",
        ),
        ("account.opened", {"accounts": [{"currency": "PUMA", "kind": "member"}]}, "unreadable"),
        ("currency.created", {"currency": {"code": "ELIO", "kind": "time"}}, "unreadable"),
    ],
)
def test_what_cannot_be_applied_stops_it_there(
    town: Town, resources: Resources, type_: str, payload: dict[str, Any], reason: str
) -> None:
    town.pay(2)
    last_good = town.journal.records[-1].position
    town.journal.record(type_, at(1), **payload)
    town.pay(2)
    projector.receive(resources, town.journal.records)
    assert standing(resources) == positions.Progress(last_good, at(1), reason, last_good.sequence)
    assert volume(resources) == 2
    assert metric("projection_stalled") == 1
    # A message does not make it try again, the job does, and says so.
    projector.receive(resources, town.journal.records)
    assert client(resources).pulls == 0
    with pytest.raises(ProjectionStalled, match=reason):
        projector.catch_up(resources)
    assert (standing(resources).position, volume(resources)) == (last_good, 2)


def test_entries_of_one_currency_must_add_up_to_zero(town: Town, resources: Resources) -> None:
    issuance, _ = town.journal.currency("ELIO", at(0))
    town.journal.record("exchange.booked", at(1), entries=[(town.ana, -5), (issuance, 5)])
    projector.receive(resources, town.journal.records)
    assert standing(resources).stalled == "unbalanced"


def test_it_goes_on_once_the_record_can_be_applied(town: Town, resources: Resources) -> None:
    broken = town.journal.record("levy.booked", at(1), entries=[("nobody", -1), (town.ana, 1)])
    with pytest.raises(ProjectionStalled):
        projector.catch_up(resources)
    mended = msgspec.structs.replace(broken, payload={"accounts": [], "entries": []})
    town.journal.records[-1] = mended
    town.pay(2)
    finish(resources)
    assert (standing(resources).stalled, volume(resources)) == (None, 2)
    assert metric("projection_stalled") == 0


def test_a_record_that_is_none_of_the_ledgers_stops_nothing(town: Town, resources: Resources) -> None:
    town.pay(1)
    finish(resources)
    last = town.journal.records[-1]
    beyond = msgspec.structs.replace(last, sequence=last.sequence + 1, prev_hash=last.hash, hash="11" * 32)
    bad = msgspec.structs.replace(beyond, payload={"accounts": [], "entries": [["nobody", "", 1, 1]]})
    wrong = msgspec.structs.replace(beyond, prev_hash="22" * 32)
    before = metric("projection_foreign_batches_total") or 0
    projector.receive(resources, [wrong])
    assert metric("projection_foreign_batches_total") == before + 1
    projector.receive(resources, [bad])
    assert standing(resources).stalled is not None
    finish(resources)
    assert (standing(resources).stalled, volume(resources)) == (None, 1)
    assert (metric("projection_stalled"), metric("projection_foreign_batches_total")) == (0, before + 2)
    town.pay(1)
    finish(resources)
    assert volume(resources) == 2


def test_a_broken_chain_stops_it_there(town: Town, resources: Resources) -> None:
    town.pay(4)
    records = town.journal.records
    records[6] = msgspec.structs.replace(records[6], prev_hash="f" * 64)
    with pytest.raises(ProjectionStalled, match="broken-chain"):
        projector.catch_up(resources)
    assert (standing(resources).position, volume(resources)) == (records[5].position, 2)


def test_an_answer_that_cannot_be_read_stops_it_there(town: Town, resources: Resources) -> None:
    town.pay(4)
    records = town.journal.records
    records[6] = msgspec.structs.replace(
        records[6], payload={"transfer": {}, "accounts": [], "occurred_at": "soon"}
    )
    with pytest.raises(ProjectionStalled, match="unreadable"):
        projector.catch_up(resources)
    assert standing(resources).position == records[5].position


def test_a_sum_that_no_column_holds_stops_it_rather_than_count_wrongly(
    town: Town, resources: Resources
) -> None:
    other = town.journal.account("PUMA", at(0))
    town.journal.transfer(town.issuance, other, MAX_AMOUNT, at(1))
    fits = (2**63 - 1) // MAX_AMOUNT
    for turn in range(fits + 1):
        payer, payee = (other, town.bea) if turn % 2 == 0 else (town.bea, other)
        town.journal.transfer(payer, payee, MAX_AMOUNT, at(1))
    client(resources).page = 500
    with pytest.raises(ProjectionStalled, match="out-of-range"):
        finish(resources)
    assert volume(resources) == fits * MAX_AMOUNT


def test_an_unknown_type_moves_balances_and_no_volume(town: Town, resources: Resources) -> None:
    pot = {"id": "pot", "currency": "PUMA", "kind": "commons", "territory": "south"}
    town.journal.record("levy.booked", at(1), accounts=[pot], entries=[(town.ana, -70), ("pot", 70)])
    projector.receive(resources, town.journal.records)
    accounts, days = tables.accounts.c, tables.account_days.c
    query = select(accounts.id, func.sum(days.change)).where(accounts.account == days.account)
    with resources.database.read() as connection:
        balances = dict(connection.execute(query.group_by(accounts.id)).all())
    assert (balances[town.ana], balances["pot"], volume(resources)) == (9_930, 70, 0)


def test_an_unreachable_ledger_is_told_and_healed_later(town: Town, resources: Resources) -> None:
    class Away(JournalClient):
        def call(self, *_: Any, **__: Any) -> dict[str, Any]:
            raise Refusal("service-unavailable", service="ledger")

    away = replace(resources, client=Away(town.journal))
    with pytest.raises(Refusal):
        projector.receive(away, town.journal.records[2:])
    finish(resources)
    assert standing(resources).position == town.journal.records[-1].position


def test_several_at_once_apply_everything_once(town: Town, resources: Resources) -> None:
    # As in several processes: each with a lock of its own, so that only the database keeps them apart.
    town.pay(300)
    failures: list[BaseException] = []

    def work() -> None:
        own = replace(resources, projecting=threading.Lock())
        try:
            finish(own)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert (volume(resources), standing(resources).stalled) == (300, None)
    assert standing(resources).position == town.journal.records[-1].position
