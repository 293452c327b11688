"""What is taken for an event, with a type that is registered."""

import json
from typing import Any

import pytest

from shared.contracts import events
from shared.contracts.events import PERSON_REGISTERED
from shared.messaging.incoming import (
    ANOTHER_SOURCE,
    ANOTHER_TYPE,
    NOT_AN_EVENT,
    TOO_LARGE,
    WRONG_DATA,
    NotTaken,
    event_of,
)

KEY = PERSON_REGISTERED.key
DATA = {"id": "somebody", "version": 1}


def body(**changes: Any) -> bytes:
    sent = json.loads(events.encode(events.new_event(PERSON_REGISTERED, "somebody", DATA)))
    return json.dumps({**sent, **changes}).encode()


def reason(sent: bytes, content_type: str | None = events.CONTENT_TYPE, key: str = KEY) -> str:
    with pytest.raises(NotTaken) as raised:
        event_of(sent, content_type, key)
    return raised.value.reason


def test_an_event_is_taken_with_what_a_later_publisher_adds() -> None:
    sent = body(data={**DATA, "added": {"deep": [1]}}, added=None)
    assert event_of(sent, f"{events.CONTENT_TYPE.upper()}; charset=utf-8", KEY).data["id"] == "somebody"


@pytest.mark.parametrize(
    "data",
    [{}, {"id": "somebody"}, {"id": 5, "version": 1}, {"id": "somebody", "version": "x"}, {"id": None}],
)
def test_data_that_do_not_fit_their_schema_are_not_taken(data: Any) -> None:
    assert reason(body(data=data)) == WRONG_DATA


def test_numbers_beyond_all_bounds_are_no_reason_to_stop() -> None:
    sent = body().replace(b'"version": 1', b'"version": 1e999')
    assert b"1e999" in sent
    assert reason(sent) in (WRONG_DATA, NOT_AN_EVENT)


@pytest.mark.parametrize("changes", [{"specversion": "2.0"}, {"data": [1]}, {"id": 1}, {"time": None}])
def test_what_is_no_cloudevent_of_ours_is_not_taken(changes: dict[str, Any]) -> None:
    assert reason(body(**changes)) == NOT_AN_EVENT


def test_only_the_type_and_version_of_the_queue_are_taken() -> None:
    assert reason(body(type=f"org.medtown.{KEY[:-1]}2")) == ANOTHER_TYPE
    assert reason(body(type="com.example." + KEY)) == ANOTHER_TYPE


def test_an_event_comes_from_the_service_whose_it_is() -> None:
    for source in ("/medtown/cop", "/medtown/identity/", "identity", ""):
        assert reason(body(source=source)) == ANOTHER_SOURCE


def test_the_limit_of_size_is_the_publishers_too() -> None:
    most = body() + b" " * (events.MAX_EVENT_BYTES - len(body()))
    assert event_of(most, events.CONTENT_TYPE, KEY)
    assert reason(most + b" ") == TOO_LARGE
    large = events.new_event(PERSON_REGISTERED, "s" * events.MAX_EVENT_BYTES, DATA)
    with pytest.raises(ValueError, match="bytes are more than"):
        events.encode(large)
