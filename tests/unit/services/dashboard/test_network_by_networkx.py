"""Random networks of payments against networkx."""

import random
from fractions import Fraction

import networkx
import pytest

from services.dashboard.circulation.network import Network, pair


@pytest.mark.parametrize("seed", range(30))
def test_the_same_figures_as_networkx(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randint(2, 300)
    graph = networkx.DiGraph()
    for _ in range(chance.randint(1, size * 5)):
        payer, payee = chance.sample(range(1, size + 1), 2)
        weight = chance.randint(1, 10**9) + (
            graph.edges[payer, payee]["w"] if graph.has_edge(payer, payee) else 0
        )
        graph.add_edge(payer, payee, w=weight)
    network = Network({pair(payer, payee): weight for payer, payee, weight in graph.edges(data="w")})
    assert float(network.edge_reciprocity()) == pytest.approx(networkx.overall_reciprocity(graph))
    assert float(network.density()) == pytest.approx(networkx.density(graph))
    largest = max(map(len, networkx.strongly_connected_components(graph)))
    assert network.strongly_connected_share() == Fraction(largest, len(graph))
    degrees = dict(graph.to_undirected().degree()).values()
    assert network.counterparty_diversity() == Fraction(sum(degrees), len(graph))
