"""Networks of payments: some worked out by hand, random ones against a second way of working them out."""

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.circulation.network import Network, ends, pair
from services.dashboard.indicators.formulas import NO_TRANSFERS, Undefined

FIGURES = (
    "edge_reciprocity",
    "weighted_reciprocity",
    "density",
    "strongly_connected_share",
    "counterparty_diversity",
    "spending_hhi",
)
Weights = dict[tuple[int, int], int]


def figures(weights: Weights) -> dict[str, Fraction]:
    network = Network({pair(*edge): weight for edge, weight in weights.items()})
    return {name: getattr(network, name)() for name in FIGURES}


def test_four_accounts_by_hand() -> None:
    # 1 pays 2 60 and gets 20 back; 2 pays 3 10; 3 pays 1 10; 4 pays 1 100.
    weights = {(1, 2): 60, (2, 1): 20, (2, 3): 10, (3, 1): 10, (4, 1): 100}
    assert figures(weights) == {
        # Of five edges, the two between 1 and 2.
        "edge_reciprocity": Fraction(2, 5),
        # min(60, 20) twice, of 200.
        "weighted_reciprocity": Fraction(40, 200),
        "density": Fraction(5, 12),
        # 1, 2 and 3 lie in a circle; nobody pays 4.
        "strongly_connected_share": Fraction(3, 4),
        # 1 has three partners, 2 has two, 3 has two, 4 has one.
        "counterparty_diversity": Fraction(8, 4),
        # Spent: 60, 30, 10, 100 of 200.
        "spending_hhi": Fraction(3600 + 900 + 100 + 10_000, 40_000),
    }


def test_a_chain_has_nothing_that_comes_back() -> None:
    assert figures({(1, 2): 5, (2, 3): 5}) == {
        "edge_reciprocity": 0,
        "weighted_reciprocity": 0,
        "density": Fraction(2, 6),
        "strongly_connected_share": Fraction(1, 3),
        "counterparty_diversity": Fraction(4, 3),
        "spending_hhi": Fraction(1, 2),
    }


def test_two_who_pay_each_other_alike() -> None:
    assert set(figures({(7, 9): 5, (9, 7): 5}).values()) == {1, Fraction(1, 2)}


def test_a_long_chain_needs_no_recursion() -> None:
    size = 20_000
    circle = {(node, (node + 1) % size): 1 for node in range(size)}
    assert figures(circle)["strongly_connected_share"] == 1


def test_nobody_paid() -> None:
    for name in FIGURES:
        with pytest.raises(Undefined) as undefined:
            getattr(Network({}), name)()
        assert undefined.value.reason == NO_TRANSFERS


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**40 - 1))
def test_an_edge_keeps_both_ends(payer: int, payee: int) -> None:
    assert ends(pair(payer, payee)) == (payer, payee)


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_against_a_second_way(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randint(2, 40)
    weights: Weights = {}
    for _ in range(chance.randint(1, size * 4)):
        payer, payee = chance.sample(range(1, size + 1), 2)
        weights[payer, payee] = weights.get((payer, payee), 0) + chance.randint(1, 1000)
    assert figures(weights) == reference(weights)


def reference(weights: Weights) -> dict[str, Fraction]:
    """By sets and by who can reach whom, step by step: no code and no formula in common."""
    nodes = sorted({node for edge in weights for node in edge})
    reach = {node: {node} | {payee for payer, payee in weights if payer == node} for node in nodes}
    for middle in nodes:
        for node in nodes:
            if middle in reach[node]:
                reach[node] |= reach[middle]
    largest = max(sum(other in reach[node] and node in reach[other] for other in nodes) for node in nodes)
    partners = [{b for a, b in weights if a == node} | {a for a, b in weights if b == node} for node in nodes]
    total = sum(weights.values())
    spent = [sum(weight for (payer, _), weight in weights.items() if payer == node) for node in nodes]
    returned = sum(min(weight, weights.get((b, a), 0)) for (a, b), weight in weights.items())
    return {
        "edge_reciprocity": Fraction(sum((b, a) in weights for a, b in weights), len(weights)),
        "weighted_reciprocity": Fraction(returned, total),
        "density": Fraction(len(weights), len(nodes) * (len(nodes) - 1)),
        "strongly_connected_share": Fraction(largest, len(nodes)),
        "counterparty_diversity": Fraction(sum(map(len, partners)), len(nodes)),
        "spending_hhi": sum((Fraction(each, total) ** 2 for each in spent), Fraction(0)),
    }
