"""The file: its format, its books, and the same bytes for the same scenario."""

import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from deploy.demo.simulation.log import COLUMNS, simulate, write_log
from deploy.demo.simulation.model import SUBTYPES
from deploy.demo.simulation.scenario import Scenario, seville_demo
from tests.unit.deploy.simulation.conftest import Written, genuine

Write = Callable[[Scenario], Written]
SMALL = Scenario(accounts=60, days=40, seed=3)
ADDRESS = re.compile(r"0x[0-9a-f]{40}")
TIMESET = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")


def cents(weight: str) -> int:
    return int(Decimal(weight) * 100)


def replay(lines: list[dict[str, str]], issuer: str) -> tuple[Counter[str], list[str]]:
    """Book every row in file order but those that overdraw; balances in cents, and the ids of the refused."""
    balances: Counter[str] = Counter()
    refused = []
    for line in lines:
        amount = cents(line["weight"])
        if line["source"] != issuer and balances[line["source"]] < amount:
            refused.append(line["id"])
            continue
        balances[line["source"]] -= amount
        balances[line["target"]] += amount
    return balances, refused


def issuer_of(written: Written) -> str:
    (address,) = [one.address for one in written.people.values() if one.role == "municipality"]
    return address


def test_same_scenario_same_bytes_and_another_seed_another_town(write_scenario: Write) -> None:
    first = write_scenario(SMALL)
    assert write_scenario(SMALL).text == first.text
    other = write_scenario(replace(SMALL, seed=4))
    assert other.text != first.text
    assert other.people.keys().isdisjoint(first.people)


def test_rows_are_the_format_in_order_of_time(town: Written) -> None:
    assert town.text.startswith(",".join(COLUMNS) + "\n")
    assert [line["id"] for line in town.lines] == [str(n) for n in range(1, len(town.lines) + 1)]
    times = [line["timeset"] for line in town.lines]
    assert times == sorted(times)
    assert all(TIMESET.fullmatch(time) for time in times)
    datetime.fromisoformat(times[0])
    for line in town.lines:
        assert line["transfer_subtype"] in SUBTYPES
        assert ADDRESS.fullmatch(line["source"])
        assert ADDRESS.fullmatch(line["target"])
        assert line["source"] != line["target"]
        assert re.fullmatch(r"\d+\.\d\d", line["weight"])
        assert cents(line["weight"]) > 0
    assert len({(line["token_name"], line["token_address"]) for line in town.lines}) == 1


def test_subtypes_run_between_the_roles_that_they_are_for(town: Written) -> None:
    role = {address: one.role for address, one in town.people.items()}
    ways = {(line["transfer_subtype"], role[line["source"]], role[line["target"]]) for line in town.lines}
    assert {subtype for subtype, _, _ in ways} == set(SUBTYPES)
    assert {way[1:] for way in ways if way[0] == "DISBURSEMENT"} == {("municipality", "household")}
    assert {way[1:] for way in ways if way[0] == "AGENT_OUT"} == {("household", "agent")}
    assert all(way[2] == "municipality" for way in ways if way[0] == "RECLAMATION")
    payments = {way[1:] for way in ways if way[0] == "STANDARD"}
    assert payments >= {
        ("household", "shop"),
        ("household", "household"),
        ("shop", "supplier"),
        ("shop", "household"),
        ("supplier", "household"),
    }
    assert not any("municipality" in way for way in payments)


def test_nobody_is_overdrawn_and_supply_is_the_sum_of_balances(town: Written) -> None:
    issuer = issuer_of(town)
    balances, refused = replay(town.lines, issuer)
    assert refused == []
    created = sum(cents(line["weight"]) for line in town.lines if line["transfer_subtype"] == "DISBURSEMENT")
    destroyed = sum(cents(line["weight"]) for line in town.lines if line["transfer_subtype"] == "RECLAMATION")
    held = sum(amount for address, amount in balances.items() if address != issuer)
    assert created - destroyed == held == -balances[issuer] == town.summary.supply_cents
    assert destroyed > 0


def test_summary_counts_what_was_written(town: Written) -> None:
    summary = town.summary
    assert summary.rows == len(town.lines) == sum(summary.rows_by_subtype.values())
    assert summary.rows_by_subtype == Counter(line["transfer_subtype"] for line in town.lines)
    volumes: Counter[str] = Counter()
    for line in town.lines:
        volumes[line["transfer_subtype"]] += cents(line["weight"])
    assert summary.cents_by_subtype == volumes
    met = {line["source"] for line in town.lines} | {line["target"] for line in town.lines}
    assert summary.accounts == len(met) - 1
    assert summary.first_timeset == town.lines[0]["timeset"]
    assert summary.last_timeset == town.lines[-1]["timeset"]
    assert (summary.overdrawing_rows, summary.malformed_rows) == (0, 0)


def test_overdrawing_rows_are_the_share_asked_for_and_the_only_ones_refused(write_scenario: Write) -> None:
    for share in (0.03, 0.5):
        written = write_scenario(replace(SMALL, overdraw_share=share))
        _, refused = replay(written.lines, issuer_of(written))
        assert len(refused) == written.summary.overdrawing_rows
        assert abs(len(refused) / len(written.lines) - share) < 0.02


def test_faulty_rows_come_on_top_and_change_nothing_else() -> None:
    plain = [row[1:] for row in simulate(SMALL)]
    faulty = replace(SMALL, overdraw_share=0.1, malformed_share=0.1)
    assert [row[1:] for row in genuine(faulty)] == plain
    kinds = Counter(row.kind for row in simulate(faulty))
    rows = kinds.total()
    assert abs(kinds["overdraws"] / rows - 0.1) < 0.03
    assert abs(kinds["malformed"] / rows - 0.1) < 0.03


def test_extra_decimals_round_back_to_the_cents() -> None:
    longest = 0
    for row, plain in zip(simulate(replace(SMALL, extra_decimals=True)), simulate(SMALL), strict=True):
        longest = max(longest, len(row.weight.partition(".")[2]))
        for rule in (ROUND_HALF_EVEN, ROUND_HALF_UP):
            assert Decimal(row.weight).quantize(Decimal("0.01"), rule) == Decimal(plain.weight)
    assert longest == 12


def test_progress_is_told_once_a_day() -> None:
    told: list[tuple[int, int, int]] = []
    summary = write_log(SMALL, io.StringIO(), progress=lambda *at: told.append(at))
    assert [days for days, _, _ in told] == list(range(1, 41))
    assert told[-1] == (40, 40, summary.rows)


def test_rows_are_about_as_many_as_expected(town: Written) -> None:
    assert abs(len(town.lines) / town.scenario.expected_rows - 1) < 0.2


def test_smallest_and_shortest_town_has_a_log(write_scenario: Write) -> None:
    written = write_scenario(Scenario(accounts=10, days=1, seed=1))
    assert written.lines
    assert len(written.people) == 11


def test_seville_demo_reaches_its_last_day(write_scenario: Write) -> None:
    written = write_scenario(seville_demo(date(2025, 6, 30)))
    assert written.lines[-1]["timeset"].startswith("2025-06-30 ")
    assert written.summary.accounts > 280
