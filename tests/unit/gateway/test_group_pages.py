"""Pages of groups: everything that they show of a group comes in one answer."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.contracts import ids
from tests.unit.gateway.canned import PERSON, CannedClient

NOW = "2026-01-01T00:00:00.000000Z"
MEMBER = {"person": PERSON["id"], "role": "steward", "status": "active", "since": NOW}
GROUP = {
    "id": ids.new_id(),
    "version": 1,
    "kind": "open",
    "name": "Gardens",
    "description": "",
    "territory": "",
    "visibility": "public",
    "join_policy": "open",
    "language": "en",
    "member_count": 1,
    "membership": MEMBER,
    "may": ["leave", "read", "write", "lead"],
    "created_at": NOW,
    "closed_at": None,
}
TOPIC = {
    "id": ids.new_id(),
    "version": 1,
    "group": GROUP["id"],
    "author": PERSON["id"],
    "title": "Seeds",
    "body": "Who has seeds?",
    "language": "en",
    "category": "",
    "reply_count": 0,
    "may": ["edit", "delete", "reply"],
    "created_at": NOW,
    "edited_at": None,
    "deleted_at": None,
    "active_at": NOW,
}


def page_of(*data: Any) -> dict[str, Any]:
    return {"data": list(data), "next_cursor": None, "has_more": False}


@pytest.fixture
def town(services: CannedClient) -> CannedClient:
    services.answers |= {
        "cop.read_group": {"group": GROUP, "topics": page_of(TOPIC), "members": page_of(MEMBER)},
        "cop.lead_group": {"group": GROUP, "asked": [], "invited": [], "active": [MEMBER]},
        "cop.read_topic": {"topic": TOPIC, "group": GROUP, "replies": page_of()},
        "identity.get_names": {"names": {PERSON["id"]: "Amina"}},
        "identity.find_listed": page_of(),
    }
    return services


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/groups/{GROUP['id']}", "Seeds"),
        (f"/groups/{GROUP['id']}/lead", "Amina"),
        (f"/topics/{TOPIC['id']}", "Who has seeds?"),
    ],
)
def test_a_page_asks_the_community_of_practice_once(
    browser: FlaskClient, town: CannedClient, path: str, shown: str
) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert shown in answer.text
    assert len([called for called, _arguments, _token in town.calls if called.startswith("cop.")]) == 1
