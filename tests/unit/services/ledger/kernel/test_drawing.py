"""Which units are drawn: held against trying everything."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.kernel.drawing import Source, draw, largest

MAX_LINES = 3


@st.composite
def shortages(draw_from: st.DrawFn) -> tuple[list[Source], list[int]]:
    lines = draw_from(st.lists(st.integers(0, 4), min_size=1, max_size=MAX_LINES))
    serves = st.frozensets(st.integers(0, len(lines) - 1))
    kinds = draw_from(st.lists(st.tuples(st.integers(0, 4), serves), max_size=4))
    return [Source(str(number), *kind) for number, kind in enumerate(kinds)], lines


def _can_serve(amounts: tuple[int, ...], sources: list[Source], lines: list[int]) -> bool:
    """Whether so much of each source finds a line, tried in every way."""
    if not amounts:
        return True
    places = sorted(sources[0].serves)
    for parts in product(*(range(min(amounts[0], lines[place]) + 1) for place in places)):
        if sum(parts) == amounts[0]:
            rest = list(lines)
            for place, part in zip(places, parts, strict=True):
                rest[place] -= part
            if _can_serve(amounts[1:], sources[1:], rest):
                return True
    return False


@given(shortages())
def test_as_much_is_drawn_as_possible_and_of_what_is_preferred_most(
    case: tuple[list[Source], list[int]],
) -> None:
    sources, lines = case
    possible = [
        amounts
        for amounts in product(*(range(source.amount + 1) for source in sources))
        if _can_serve(amounts, sources, lines)
    ]
    taken, missing = draw(sources, lines)
    drawn = dict(taken)
    amounts = tuple(drawn.get(source.bucket, 0) for source in sources)
    assert amounts == max(possible)
    assert sum(amounts) == max(map(sum, possible)) == sum(lines) - missing
    assert [bucket for bucket, _ in taken] == sorted(drawn)
    assert all(amount > 0 for _, amount in taken)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=5), st.integers(0, 30))
def test_one_line_takes_from_one_source_after_the_other(kinds: list[tuple[int, bool]], wanted: int) -> None:
    sources = [
        Source(str(number), amount, frozenset((0,) if serves else ()))
        for number, (amount, serves) in enumerate(kinds)
    ]
    alone, missing = draw(sources, [wanted])
    assert (alone, missing) == draw(sources, [wanted, 0])


@given(st.integers(0, 2**53), st.integers(0, 2**53))
def test_the_largest_possible_number_is_found(upper: int, bound: int) -> None:
    assert largest(upper, lambda amount: amount <= bound) == min(upper, bound)


def test_units_drawn_before_move_on_to_another_part_where_that_lets_more_be_drawn() -> None:
    sources = [Source("either", 5, frozenset((0, 1))), Source("bread", 5, frozenset((0,)))]
    assert draw(sources, [5, 5]) == ([("either", 5), ("bread", 5)], 0)
