"""A log replayed into the ledger's kernel in memory: what it opens and books, what it tells of the rest, and
that it may be done again.
"""

from collections.abc import Callable, Sequence

import pytest

from services.ledger.imports import ukds
from services.ledger.imports.replay import (
    PASSING,
    Rejected,
    Summary,
    Tags,
    Target,
    account_id,
    holder_id,
    persistent,
    replay,
)
from services.ledger.kernel.record import StoredRefusal
from shared.contracts import clock, ids
from shared.contracts.commands import WRITER_BATCH_LIMIT, Command, Outcome
from shared.contracts.errors import Refusal
from tests.support.ledger import IMPORT_PRINCIPAL, Books
from tests.support.research_log import line, stream

NOW = clock.from_text("2026-11-23T12:00:00Z")
TARGET = Target("PUMA", 100)


class Ledger:
    """Books that answer like the writer, and remember what was refused as it does."""

    def __init__(self) -> None:
        self.books = Books()
        self.batches: list[int] = []
        self._refused: dict[str, Refusal] = {}

    def send(self, commands: list[Command]) -> list[Outcome]:
        self.batches.append(len(commands))
        return [self._decide(command) for command in commands]

    def replay(
        self,
        *lines: str,
        target: Target = TARGET,
        send: Callable[[list[Command]], list[Outcome]] | None = None,
    ) -> tuple[Summary, list[Rejected]]:
        rejected: list[Rejected] = []
        summary = replay(
            ukds.read(stream(lines), target.minor_units, NOW),
            target,
            send or self.send,
            reject=rejected.append,
            progress=lambda rows: None,
        )
        return summary, rejected

    def total(self, address: str) -> int:
        return self.books.total(account_id(TARGET, address))

    def _decide(self, command: Command) -> Outcome:
        if command.id in self._refused:
            return Outcome(refusal=self._refused[command.id].to_wire(), replayed=True)
        decision = self.books.submit(command, IMPORT_PRINCIPAL, NOW)
        if isinstance(decision, Refusal):
            if decision.problem.final:
                self._refused[command.id] = decision
            return Outcome(refusal=decision.to_wire())
        assert not isinstance(decision, StoredRefusal)
        return Outcome(view={"sequence": decision.sequence})


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


LOG = (
    line(1, "DISBURSEMENT", "city", "ana", "100", "2024-01-01 08:00:00"),
    line(2, "STANDARD", "ana", "bea", "30.5", "2024-01-02 08:00:00"),
    line(3, "AGENT_OUT", "bea", "till", "10", "2024-01-03 08:00:00"),
    line(4, "RECLAMATION", "till", "city", "4", "2024-01-04 08:00:00"),
)


def test_every_kind_of_row_is_booked(ledger: Ledger) -> None:
    summary, rejected = ledger.replay(*LOG)
    assert rejected == []
    assert summary.to_json() == {
        "rows": 4,
        "applied": {"DISBURSEMENT": 1, "STANDARD": 1, "AGENT_OUT": 1, "RECLAMATION": 1},
        "volumes": {"DISBURSEMENT": 10_000, "STANDARD": 3_050, "AGENT_OUT": 1_000, "RECLAMATION": 400},
        "refused": {},
        "accounts": 3,
        "supply": 9_600,
    }
    assert [ledger.total(address) for address in ("ana", "bea", "till")] == [6_950, 2_050, 600]
    kinds = [
        record.payload["transfer"]["kind"] for record in ledger.books.records if "transfer" in record.payload
    ]
    assert kinds == ["issuance", "payment", "payment", "redemption"]


def test_times_are_those_of_the_log(ledger: Ledger) -> None:
    ledger.replay(*LOG)
    occurred = [clock.to_text(record.occurred_at)[:10] for record in ledger.books.records]
    # The currency comes with the first row, each account with the row that first names it.
    days = ["01"] * 3 + ["02"] * 2 + ["03"] * 2 + ["04"]
    assert occurred == [f"2024-01-{day}" for day in days]
    assert {record.recorded_at for record in ledger.books.records} == {NOW}


def test_accounts_are_a_members_unless_they_are_paid_as_agents(ledger: Ledger) -> None:
    ledger.replay(*LOG)
    accounts = {
        account["id"]: account for record in ledger.books.records for account in record.payload["accounts"]
    }
    opened = {address: accounts[account_id(TARGET, address)] for address in ("ana", "bea", "till")}
    assert [opened[address]["kind"] for address in opened] == ["member", "member", "organisation"]
    assert [opened[address]["holder"] for address in opened] == [
        holder_id("PUMA", address) for address in opened
    ]
    assert sorted(account["kind"] for account in accounts.values())[:2] == ["issuance", "member"]
    # The city issues and redeems: it is the currency itself, and no account of its own.
    assert account_id(TARGET, "city") not in accounts


def test_accounts_take_the_tags_that_they_are_given(ledger: Ledger) -> None:
    target = Target("PUMA", 100, tags=lambda address: Tags("organisation", "north", f"shop-{address}"))
    ledger.replay(LOG[0], target=target)
    [account] = ledger.books.records[-2].payload["accounts"]
    assert (account["kind"], account["territory"], account["category"]) == (
        "organisation",
        "north",
        "shop-ana",
    )


def test_the_currency_is_named_by_the_log_and_made_with_its_scale(ledger: Ledger) -> None:
    ledger.replay(LOG[0], target=Target("PUMA", 1000, territory="north", simulated=True))
    currency = ledger.books.records[0].payload["currency"]
    assert currency["names"] == {"en": "Puma"}
    assert (currency["minor_units"], currency["kind"], currency["territory"]) == (1000, "backed", "north")
    assert currency["simulated"] is True


def test_rows_that_break_a_rule_are_told_and_break_nothing(ledger: Ledger) -> None:
    summary, rejected = ledger.replay(
        *LOG[:2],
        line(3, source="ana", target="bea", weight="69.51"),
        line(4, source="ana", target="ana"),
        line(5, source="nobody", target="ana"),
        line(6, weight="-1"),
        line(7, timeset="2999-01-01 00:00:00"),
        line(8, source="ana", target="bea", weight="69.50"),
    )
    assert [(one.row, one.id, one.reason) for one in rejected] == [
        (3, "3", "insufficient-balance"),
        (4, "4", "same-account"),
        (5, "5", "insufficient-balance"),
        (6, "6", "unreadable-row"),
        (7, "7", "in-the-future"),
    ]
    assert "69.50 PUMA are available, 69.51 PUMA are asked for" in rejected[0].detail
    assert summary.refused == {
        "insufficient-balance": 2,
        "same-account": 1,
        "unreadable-row": 1,
        "in-the-future": 1,
    }
    assert (summary.rows, sum(summary.applied.values())) == (8, 3)
    assert (ledger.total("ana"), ledger.total("bea")) == (0, 10_000)


def test_a_log_of_which_nothing_can_be_read_makes_no_currency(ledger: Ledger) -> None:
    summary, rejected = ledger.replay(line(1, weight="0"), line(2, subtype="GIFT"))
    assert (summary.rows, len(rejected), summary.supply) == (2, 2, 0)
    assert ledger.books.records == []
    assert ledger.batches == []


def test_a_log_of_which_everything_is_refused_makes_empty_accounts(ledger: Ledger) -> None:
    summary, rejected = ledger.replay(line(1), line(2, "RECLAMATION"))
    assert [one.reason for one in rejected] == ["insufficient-balance"] * 2
    assert (summary.accounts, summary.supply, ledger.total("ana")) == (2, 0, 0)


def test_rows_that_share_an_id_are_transfers_of_their_own(ledger: Ledger) -> None:
    summary, rejected = ledger.replay(LOG[0], line(1), line(1), line(1))
    assert rejected == []
    assert (summary.applied["STANDARD"], ledger.total("bea")) == (3, 300)


def test_a_second_time_changes_nothing_and_says_the_same(ledger: Ledger) -> None:
    log = (*LOG, line(5, source="ana", target="bea", weight="1000"), line(6, weight="x"))
    first = ledger.replay(*log)
    records = len(ledger.books.records)
    assert ledger.replay(*log, target=Target("PUMA", 100, exists=True)) == first
    assert len(ledger.books.records) == records


@pytest.mark.parametrize("decided", [0, 1, 2, 3, 7])
def test_a_replay_that_was_cut_off_goes_on_where_it_was(ledger: Ledger, decided: int) -> None:
    whole = Ledger()
    expected = whole.replay(*LOG)

    class Killed(Exception):
        pass

    def cut(commands: list[Command]) -> list[Outcome]:
        ledger.send(commands[:decided])
        raise Killed

    with pytest.raises(Killed):
        ledger.replay(*LOG, send=cut)
    assert ledger.replay(*LOG, target=Target("PUMA", 100, exists=decided > 0)) == expected
    assert commands_of(ledger) == commands_of(whole)


def test_a_longer_log_goes_on_from_a_shorter_one(ledger: Ledger) -> None:
    ledger.replay(*LOG[:2])
    summary, rejected = ledger.replay(*LOG, target=Target("PUMA", 100, exists=True))
    assert rejected == []
    assert (summary.rows, summary.supply, ledger.total("till")) == (4, 9_600, 600)


def test_another_log_of_the_currency_finds_the_accounts_of_the_first(ledger: Ledger) -> None:
    ledger.replay(*LOG)
    february = [
        line(9, source="ana", target="bea", timeset="2024-02-01 08:00:00"),
        line(10, target="new", source="bea"),
    ]
    summary, rejected = ledger.replay(*february, target=Target("PUMA", 100, exists=True))
    assert rejected == []
    assert (summary.accounts, summary.applied["STANDARD"], ledger.total("new")) == (1, 2, 100)


def test_a_row_changed_after_it_was_decided_is_told(ledger: Ledger) -> None:
    ledger.replay(*LOG)
    changed = (*LOG[:1], line(2, "STANDARD", "ana", "bea", "30.6", "2024-01-02 08:00:00"), *LOG[2:])
    _, [rejected] = ledger.replay(*changed, target=Target("PUMA", 100, exists=True))
    assert (rejected.row, rejected.reason) == (2, "id-reused")
    assert ledger.total("bea") == 2_050


def test_calls_carry_no_more_than_the_writer_takes(ledger: Ledger) -> None:
    lines = [line(n, "DISBURSEMENT", "city", f"a{n}", "1") for n in range(700)]
    lines += [line(n, "STANDARD", f"b{n}", f"c{n}") for n in range(300)]
    summary, rejected = ledger.replay(*lines)
    assert (summary.rows, summary.accounts, len(rejected)) == (1_000, 1_300, 300)
    assert max(ledger.batches) <= WRITER_BATCH_LIMIT
    assert len(ledger.batches) <= 6


def test_what_is_not_about_a_row_ends_the_replay(ledger: Ledger) -> None:
    frozen = Outcome(refusal=Refusal("partition-frozen").to_wire())
    with pytest.raises(Refusal) as refused:
        ledger.replay(*LOG, send=lambda commands: [frozen] * len(commands))
    assert refused.value.slug == "partition-frozen"


class Moody:
    """Takes one command of the first call, none of the second, the rest of the third; the others get no
    chance.
    """

    def __init__(self, ledger: Ledger, slug: str) -> None:
        self.ledger, self.slug = ledger, slug
        self.calls = 0

    def send(self, commands: list[Command]) -> list[Outcome]:
        self.calls += 1
        taken = commands if self.calls % 3 == 0 else commands[: self.calls % 2]
        passing = Outcome(
            refusal=Refusal(self.slug, address="", after="", not_after="", service="").to_wire()
        )
        return self.ledger.send(taken) + [passing] * (len(commands) - len(taken))


@pytest.mark.parametrize("slug", sorted(PASSING))
def test_what_got_no_answer_is_sent_again_in_its_order(ledger: Ledger, slug: str) -> None:
    pauses: list[int] = []
    summary, rejected = ledger.replay(*LOG, send=persistent(Moody(ledger, slug).send, pauses.append))
    assert (rejected, summary.supply) == ([], 9_600)
    assert pauses == [1, 2]
    whole = Ledger()
    whole.replay(*LOG)
    assert commands_of(ledger) == commands_of(whole)


def commands_of(ledger: Ledger) -> Sequence[str]:
    return [record.command for record in ledger.books.records]


def test_ids_tell_currency_and_row_apart() -> None:
    assert account_id(TARGET, "ana") == account_id(Target("PUMA", 1000), "ana")
    assert account_id(TARGET, "ana") != account_id(Target("LIMA", 100), "ana")
    assert ids.partition_of(account_id(Target("PUMA", 100, partition=7), "ana")) == 7
