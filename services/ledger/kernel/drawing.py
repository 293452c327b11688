"""Which units a payment takes, where units may be spent for different parts of it.

The buckets that may serve form a polymatroid over the payment's lines: taking from them one after the other,
in the order of preference, as much as the lines can still use, is possible to the end whenever the payment is
possible at all, and takes the most from what is preferred. How the lines share a bucket does not matter.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Source(NamedTuple):
    """Units that may be taken: a bucket, how many, and which of the lines (by position) they may serve."""

    bucket: str
    amount: int
    serves: frozenset[int]


def draw(sources: Sequence[Source], lines: Sequence[int]) -> tuple[list[tuple[str, int]], int]:
    """What is taken from each source, in order, for lines of these amounts; and what of them stays open."""
    if len(lines) == 1:
        return _draw_one(sources, lines[0])
    flows: list[dict[int, int]] = [{} for _ in sources]
    rest = list(lines)
    for position in range(len(sources)):
        _saturate(position, sources, flows, rest)
    taken = [(source.bucket, sum(flow.values())) for source, flow in zip(sources, flows, strict=True)]
    return [(bucket, amount) for bucket, amount in taken if amount], sum(rest)


def _draw_one(sources: Sequence[Source], wanted: int) -> tuple[list[tuple[str, int]], int]:
    taken = []
    for source in sources:
        if wanted and source.serves and source.amount > 0:
            amount = min(wanted, source.amount)
            taken.append((source.bucket, amount))
            wanted -= amount
    return taken, wanted


def _saturate(position: int, sources: Sequence[Source], flows: list[dict[int, int]], rest: list[int]) -> None:
    """Take as much from one source as there is a way for, moving earlier ones to other lines if need be."""
    left = sources[position].amount
    while left > 0:
        path = _way(position, sources, flows, rest)
        if path is None:
            return
        # The path alternates: source, line, source, line ...; it ends at a line with something open.
        givers, takers = path[0::2], path[1::2]
        back = [flows[giver][line] for giver, line in zip(givers[1:], takers, strict=False)]
        amount = min([left, rest[takers[-1]], *back])
        for giver, line in zip(givers, takers, strict=True):
            flows[giver][line] = flows[giver].get(line, 0) + amount
        for giver, line in zip(givers[1:], takers, strict=False):
            flows[giver][line] -= amount
        rest[takers[-1]] -= amount
        left -= amount


def _way(
    start: int, sources: Sequence[Source], flows: Sequence[dict[int, int]], rest: Sequence[int]
) -> list[int] | None:
    """The shortest way from a source to a line that is open: [source, line, source, line, ...]."""
    waiting: deque[list[int]] = deque([[start]])
    seen: set[int] = set()
    while waiting:
        path = waiting.popleft()
        for line in sorted(sources[path[-1]].serves - seen):
            seen.add(line)
            if rest[line] > 0:
                return [*path, line]
            waiting.extend([*path, line, other] for other, flow in enumerate(flows) if flow.get(line, 0) > 0)
    return None


def largest(upper: int, possible: Callable[[int], bool]) -> int:
    """The largest number from 0 to `upper` that is possible, where all below a possible one are."""
    low, high = 0, upper
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if possible(middle) else (low, middle - 1)
    return low
