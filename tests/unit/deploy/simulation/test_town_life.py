"""The town lives like a neighbourhood: hours, week and month, popular shops, hoarders, growth."""

from collections import Counter
from datetime import date, datetime, timedelta

from deploy.demo.simulation import rhythm
from tests.unit.deploy.simulation.conftest import Written


def purchases(town: Written) -> list[tuple[datetime, str, str]]:
    """(local time, household, shop) of what households buy."""
    bought = []
    for line in town.lines:
        payer, payee = town.people[line["source"]], town.people[line["target"]]
        if payer.role == "household" and payee.role == "shop":
            utc = datetime.fromisoformat(line["timeset"])
            local = utc + timedelta(microseconds=rhythm.utc_offset(utc.date()))
            bought.append((local, payer.address, payee.address))
    return bought


def test_saturday_is_market_and_sunday_quiet(town: Written) -> None:
    days = Counter(when.weekday() for when, _, _ in purchases(town))
    assert max(days, key=days.__getitem__) == 5
    assert days[5] > 1.5 * days[0]
    assert days[6] < 0.5 * min(days[day] for day in range(6))


def test_spending_decays_over_the_month(town: Written) -> None:
    days = Counter(when.day for when, _, _ in purchases(town))
    assert sum(days[day] for day in range(1, 11)) > 1.25 * sum(days[day] for day in range(19, 29))


def test_shops_have_two_peaks_and_a_siesta(town: Written) -> None:
    hours = Counter(when.hour for when, _, _ in purchases(town) if when.weekday() < 5)
    assert set(hours) <= set(range(8, 23))
    assert hours[11] > 3 * hours[15]
    assert hours[18] > 3 * hours[15]


def test_summer_time_follows_the_european_rule() -> None:
    hour = 3600 * 1_000_000
    assert rhythm.utc_offset(date(2024, 3, 30)) == hour
    assert rhythm.utc_offset(date(2024, 3, 31)) == 2 * hour
    assert rhythm.utc_offset(date(2024, 10, 26)) == 2 * hour
    assert rhythm.utc_offset(date(2024, 10, 27)) == hour


def test_a_few_shops_have_most_customers(town: Written) -> None:
    takings: Counter[str] = Counter()
    for line in town.lines:
        if line["transfer_subtype"] == "STANDARD" and town.people[line["target"]].role == "shop":
            takings[line["target"]] += int(line["weight"].replace(".", ""))
    shops = sum(one.role == "shop" for one in town.people.values())
    first_tenth = sum(amount for _, amount in takings.most_common(shops // 10))
    assert first_tenth > takings.total() / 3
    customers = Counter(shop for _, shop in {(payer, shop) for _, payer, shop in purchases(town)})
    ordered = sorted(customers.values())
    assert ordered[-1] > 2.5 * ordered[len(ordered) // 2]


def test_hoarders_spend_far_less_often(town: Written) -> None:
    early = [one.address for one in town.people.values() if one.category == "aided household"][:100]
    bought = Counter(payer for _, payer, _ in purchases(town))
    counts = sorted(bought[address] for address in early)
    assert counts[2] * 5 < counts[len(counts) // 2]


def test_accounts_join_over_time(town: Written) -> None:
    joined = Counter((one.joined - town.scenario.start).days // 30 for one in town.people.values())
    assert joined[0] > joined[1] > 0
    assert joined[2] > 0
    seen: dict[str, date] = {}
    for line in town.lines:
        for address in (line["source"], line["target"]):
            seen.setdefault(address, date.fromisoformat(line["timeset"][:10]))
    assert all(first >= town.people[address].joined for address, first in seen.items())


def test_everybody_is_described_once_by_role_and_category(town: Written) -> None:
    roles = Counter(one.role for one in town.people.values())
    assert roles.total() == town.scenario.accounts + 1
    assert roles["municipality"] == 1
    assert roles["household"] > roles["shop"] > roles["supplier"] >= roles["agent"] >= 1
    assert len({one.label for one in town.people.values()}) == len(town.people)
    assert {"food", "bakery", "pharmacy", "school supplies"} <= {one.category for one in town.people.values()}
