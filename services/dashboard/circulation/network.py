"""The network of payments of one period: who paid whom, and how much. Free of any database.

Weights are by `pair`: both accounts in one number, which takes a third of the memory that two take.
"""

from array import array
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property

from services.dashboard.indicators.formulas import NO_TRANSFERS, ONE_ACCOUNT, Undefined

_BITS = 40
_LOW = (1 << _BITS) - 1


def pair(payer: int, payee: int) -> int:
    """A directed edge as one number; accounts below 2^40."""
    return payer << _BITS | payee


def ends(edge: int) -> tuple[int, int]:
    """The payer and the payee of an edge."""
    return edge >> _BITS, edge & _LOW


class Network:
    """Directed, weighted with the sums paid, without loops. All figures raise Undefined where there is no
    payment.
    """

    def __init__(self, weights: Mapping[int, int]) -> None:
        self._weights = weights

    @cached_property
    def paid(self) -> dict[int, int]:
        """What each account paid, if anything."""
        sums: dict[int, int] = {}
        for edge, weight in self._weights.items():
            payer = edge >> _BITS
            sums[payer] = sums.get(payer, 0) + weight
        return sums

    @cached_property
    def received(self) -> dict[int, int]:
        """What each account received, if anything."""
        sums: dict[int, int] = {}
        for edge, weight in self._weights.items():
            payee = edge & _LOW
            sums[payee] = sums.get(payee, 0) + weight
        return sums

    @cached_property
    def size(self) -> int:
        """How many accounts take part."""
        return len(self.paid.keys() | self.received.keys())

    def edge_reciprocity(self) -> Fraction:
        """Directed edges whose reverse exists / directed edges."""
        self._check()
        return Fraction(self._mutual, len(self._weights))

    def weighted_reciprocity(self) -> Fraction:
        """Sum of min(w_ij, w_ji) over directed edges / sum of w_ij."""
        self._check()
        both = sum(min(weight, self._back(edge)) for edge, weight in self._weights.items())
        return Fraction(both, sum(self._weights.values()))

    def density(self) -> Fraction:
        """Edges / (n (n - 1)). Raises Undefined where there are not two accounts."""
        self._check()
        if self.size < 2:
            raise Undefined(ONE_ACCOUNT)
        return Fraction(len(self._weights), self.size * (self.size - 1))

    def strongly_connected_share(self) -> Fraction:
        """Share of the accounts in the largest strongly connected component."""
        self._check()
        return Fraction(max(self._components()), self.size)

    def counterparty_diversity(self) -> Fraction:
        """Mean number of distinct partners of an account, whether it paid them or they paid it."""
        self._check()
        # Each pair of partners is two partners; an edge and its reverse are one pair.
        return Fraction(2 * len(self._weights) - self._mutual, self.size)

    def spending_hhi(self) -> Fraction:
        """Sum of the squared shares that accounts have in all that is paid."""
        self._check()
        return Fraction(sum(paid * paid for paid in self.paid.values()), sum(self.paid.values()) ** 2)

    def _check(self) -> None:
        if not self._weights:
            raise Undefined(NO_TRANSFERS)

    def _back(self, edge: int) -> int:
        return self._weights.get((edge & _LOW) << _BITS | edge >> _BITS, 0)

    @cached_property
    def _mutual(self) -> int:
        return sum(1 for edge in self._weights if self._back(edge))

    def _components(self) -> Iterator[int]:
        """The sizes of the strongly connected components, after Tarjan (1972), without recursion."""
        offsets, targets = self._adjacency()
        nodes = len(offsets) - 1
        order, low = array("q", [-1]) * nodes, array("q", [0]) * nodes
        next_edge = array("q", offsets[:nodes])
        waiting, on_stack, count = array("q"), bytearray(nodes), 0
        for root in range(nodes):
            if order[root] >= 0:
                continue
            path = [root]
            while path:
                node = path[-1]
                if order[node] < 0:
                    order[node] = low[node] = count
                    count += 1
                    waiting.append(node)
                    on_stack[node] = 1
                if next_edge[node] < offsets[node + 1]:
                    target = targets[next_edge[node]]
                    next_edge[node] += 1
                    if order[target] < 0:
                        path.append(target)
                    elif on_stack[target]:
                        low[node] = min(low[node], order[target])
                    continue
                path.pop()
                if path:
                    low[path[-1]] = min(low[path[-1]], low[node])
                if low[node] == order[node]:
                    yield _unwind(waiting, on_stack, node)

    def _adjacency(self) -> "tuple[array[int], array[int]]":
        """The edges by payer: those of node i are targets[offsets[i]:offsets[i + 1]]."""
        index = {
            account: place for place, account in enumerate(sorted(self.paid.keys() | self.received.keys()))
        }
        offsets, targets, filled = array("q", [0]), array("q"), 0
        for edge in sorted(self._weights):
            payer, payee = ends(edge)
            while filled < index[payer]:
                filled += 1
                offsets.append(len(targets))
            targets.append(index[payee])
        offsets.extend([len(targets)] * (len(index) - filled))
        return offsets, targets


def _unwind(waiting: "array[int]", on_stack: bytearray, root: int) -> int:
    """Take the component of `root` from the stack; its size."""
    size = 0
    while True:
        node = waiting.pop()
        on_stack[node] = 0
        size += 1
        if node == root:
            return size
