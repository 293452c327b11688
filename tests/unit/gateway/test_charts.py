"""Charts: what they show, and the process that draws them."""

import itertools
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.charts import specs
from gateway.charts.renderer import ChartRenderer, ChartsUnavailable
from gateway.charts.specs import Line, Point


@pytest.fixture(scope="module")
def renderer() -> Iterator[ChartRenderer]:
    drawing = ChartRenderer()
    yield drawing
    drawing.close()


def line(*values: int | None, name: str = "Volume") -> Line:
    last = len(values) - 1
    return Line(
        name, specs.SEA, [Point(f"P{n}", value, n < last, f"<{value}>") for n, value in enumerate(values)]
    )


@given(
    lowest=st.integers(-(10**15), 10**15),
    span=st.integers(0, 10**15),
    unit=st.sampled_from([1, 10, 60, 100, 1000, 1_000_000]),
)
def test_the_axis_spans_all_values_and_zero_with_a_few_even_steps(lowest: int, span: int, unit: int) -> None:
    places = specs.ticks(lowest, lowest + span, unit)
    assert places[0] <= min(lowest, 0)
    assert places[-1] >= max(lowest + span, 0)
    assert 2 <= len(places) <= specs.MOST_VALUE_TICKS + 3
    assert len({second - first for first, second in itertools.pairwise(places)}) == 1


def test_the_last_figure_stands_in_the_picture_in_words(renderer: ChartRenderer) -> None:
    [bars] = renderer.draw([specs.bars(line(100, 250, 300), 100, str)])
    assert bars.startswith("<svg")
    assert "&lt;300&gt;" in bars
    assert "<250>" not in bars


def test_lines_are_named_and_gaps_left_open(renderer: ChartRenderer) -> None:
    given = [line(100, None, 300, name="One"), line(200, 220, None, name="Two")]
    [drawn] = renderer.draw([specs.lines(given, 100, str)])
    assert "&lt;300&gt;" in drawn
    assert "&lt;220&gt;" in drawn


def test_nothing_in_a_picture_needs_the_page_to_allow_styles_or_scripts(renderer: ChartRenderer) -> None:
    [drawn] = renderer.draw([specs.bars(line(1, 2, 3), 1, lambda place: "it's \\ <" + str(place))])
    assert "style=" not in drawn
    assert "<style" not in drawn
    assert "<script" not in drawn
    assert "it&#39;s" in drawn or "it's" in drawn


def test_a_drawing_process_that_dies_is_replaced(renderer: ChartRenderer) -> None:
    renderer.draw([specs.bars(line(1), 1, str)])
    assert renderer._process is not None
    renderer._process.send_signal(signal.SIGKILL)
    renderer._process.wait(10)
    [drawn] = renderer.draw([specs.bars(line(1, 4), 1, str)])
    assert drawn.startswith("<svg")


def test_without_a_drawing_process_the_caller_is_told() -> None:
    broken = ChartRenderer((sys.executable, "-c", "pass"))
    with pytest.raises(ChartsUnavailable):
        broken.draw([specs.bars(line(1), 1, str)])
    broken.close()


def test_a_faulty_specification_is_told_and_the_process_goes_on(renderer: ChartRenderer) -> None:
    with pytest.raises(ChartsUnavailable):
        renderer.draw([{"mark": 7}])
    [drawn] = renderer.draw([specs.bars(line(5), 1, str)])
    assert drawn.startswith("<svg")
