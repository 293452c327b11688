"""Contracts only grow: what `golden.json` says was promised once, and others rely on it.

After adding something, write the file anew with `python -m tests.contract.test_golden` and commit it. Where
this test says that a promise is broken, take another way: a new field, a new call, a new event `.v2`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import contracts

GOLDEN = Path(__file__).with_name("golden.json")


def test_everything_promised_is_still_there() -> None:
    assert not list(broken(json.loads(GOLDEN.read_text()), plain(contracts.everything())))


def test_everything_that_is_there_is_in_the_golden_file() -> None:
    added = list(broken(plain(contracts.everything()), json.loads(GOLDEN.read_text())))
    assert not added, "run `python -m tests.contract.test_golden` and commit golden.json"


@pytest.mark.parametrize(
    ("promised", "present", "is_broken"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, True),
        ({"a": ["x"]}, {"a": ["y", "x"]}, False),
        ({"a": ["x", "y"]}, {"a": ["x"]}, True),
        ({"a": {"required": ["x"]}}, {"a": {"required": ["x", "y"]}}, True),
        ({"AView": {"required": ["x"]}}, {"AView": {"required": ["x", "y"]}}, False),
        ({"a": {"maxLength": 9}}, {"a": {"maxLength": 8}}, True),
    ],
)
def test_what_counts_as_broken(promised: Any, present: Any, is_broken: bool) -> None:
    assert bool(list(broken(promised, present))) is is_broken


def broken(promised: Any, present: Any, place: str = "") -> Iterator[str]:
    """Where a promise is not kept. Maps and lists may grow; nothing may be asked for that was not before."""
    if isinstance(promised, dict) and isinstance(present, dict):
        for key, value in promised.items():
            if key in present:
                yield from broken(value, present[key], f"{place}/{key}")
            else:
                yield f"{place}/{key} is gone"
        for key in present.keys() - promised.keys():
            if (
                isinstance(present[key], dict)
                and present[key].get("required") is True
                and "View" not in place
            ):
                yield f"{place}/{key} is newly required"
    elif isinstance(promised, list) and isinstance(present, list):
        if place.endswith("/required") and "View/" not in place and set(present) - set(promised):
            yield f"{place} asks for more"
        for value in promised:
            if value not in present:
                yield f"{place}: {value!r} is gone"
    elif promised != present:
        yield f"{place}: {promised!r} has become {present!r}"


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(contracts.everything(), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
