"""Groups and discussions through the API: who sees, joins, leads and leaves, and what is said."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.contracts import ids
from tests.support.api import Api, Town


class Circle:
    """A group of the test's own, by the API, and people who are signed in: Ana and Ben are in other tests'
    groups as well.
    """

    def __init__(self, town: Town) -> None:
        self.town = town
        self.ana = town.neighbour(0)
        self.ben = town.neighbour(1)

    def person(self, **more: Any) -> Api:
        return self.town.person(**more)[0]

    def create(self, by: Api | None = None, **more: Any) -> dict[str, Any]:
        name = f"Group {secrets.token_hex(4)}"
        body = {"kind": "open", "name": name, "description": "Huertos del barrio", **more}
        group: dict[str, Any] = (by or self.ana).expect(201, "POST", "/groups", json=body)
        return group

    def topic(self, group: dict[str, Any], by: Api | None = None, **more: Any) -> dict[str, Any]:
        body = {"title": "Water", "body": "Who waters?\n\nI do.", "language": "en", **more}
        topic: dict[str, Any] = (by or self.ana).expect(
            201, "POST", f"/groups/{group['id']}/topics", json=body
        )
        return topic

    def reply(self, topic: dict[str, Any], by: Api | None = None, body: str = "Me too") -> dict[str, Any]:
        given = {"body": body, "language": "en"}
        reply: dict[str, Any] = (by or self.ana).expect(
            201, "POST", f"/topics/{topic['id']}/replies", json=given
        )
        return reply


@pytest.fixture
def circle(town: Town) -> Circle:
    return Circle(town)


def join(who: Api, group: dict[str, Any]) -> dict[str, Any]:
    view: dict[str, Any] = who.expect(200, "POST", f"/groups/{group['id']}/join", json={})
    return view


def test_a_discussion_from_the_group_to_the_reply(circle: Circle) -> None:
    group = circle.create(territory="es-seville", language="es")
    assert (group["member_count"], group["membership"]["role"]) == (1, "steward")
    read_only = circle.ben.get(f"/groups/{group['id']}")
    assert (read_only["membership"], read_only["may"]) == (None, ["join", "read"])
    topic = circle.topic(group, category="question")
    assert topic["body"] == "Who waters?\n\nI do."
    topic_path = f"/topics/{topic['id']}"
    assert circle.ben.get(topic_path)["may"] == []
    words = {"body": "I come on Mondays", "language": "en"}
    circle.ben.refused("members-only", "POST", f"{topic_path}/replies", json=words)
    assert "write" in join(circle.ben, group)["may"]
    for number in (1, 2):
        assert circle.reply(topic, circle.ben, f"Reply {number}")["number"] == number
    page = circle.ana.get(f"{topic_path}/replies", params={"limit": 1})
    assert [reply["body"] for reply in page["data"]] == ["Reply 1"]
    assert page["names"] == {circle.ben.person["id"]: circle.ben.person["name"]}
    rest = circle.ana.get(f"{topic_path}/replies", params={"cursor": page["next_cursor"]})
    assert ([reply["body"] for reply in rest["data"]], rest["has_more"]) == (["Reply 2"], False)
    [listed] = circle.ben.get(f"/groups/{group['id']}/topics")["data"]
    assert (listed["reply_count"], listed["body"], listed["category"]) == (2, "", "question")
    members = circle.ben.get(f"/groups/{group['id']}/members")
    assert [each["role"] for each in members["data"]] == ["steward", "member"]
    assert members["names"][circle.ana.person["id"]] == circle.ana.person["name"]


def test_nothing_is_seen_of_a_private_group_from_outside(circle: Circle) -> None:
    group = circle.create(visibility="members", join_policy="invitation")
    topic = circle.topic(group)
    reply = circle.reply(topic)
    outside = circle.ben
    steward = circle.person(roles=["operator"])
    paths = [
        f"/groups/{group['id']}",
        f"/groups/{group['id']}/members",
        f"/groups/{group['id']}/topics",
        f"/topics/{topic['id']}",
        f"/topics/{topic['id']}/replies",
        f"/topics/{topic['id']}/revisions",
        f"/replies/{reply['id']}",
    ]
    missing = outside.refused("not-found", "GET", f"/groups/{ids.new_id()}")
    for path in paths:
        for stranger in (outside, steward):
            told = stranger.refused("not-found", "GET", path)
            assert {**told, "instance": ""} == {**missing, "instance": ""}
    words = {"body": "x", "language": "en"}
    for method, path, body in (
        ("POST", f"/groups/{group['id']}/join", {}),
        ("POST", f"/groups/{group['id']}/leave", {}),
        ("POST", f"/groups/{group['id']}/close", {}),
        ("PATCH", f"/groups/{group['id']}", {"name": "Mine", "version": 1}),
        ("POST", f"/groups/{group['id']}/members", {"person": outside.person["id"]}),
        ("DELETE", f"/groups/{group['id']}/members/{circle.ana.person['id']}", None),
        ("POST", f"/groups/{group['id']}/topics", {**words, "title": "x"}),
        ("PATCH", f"/topics/{topic['id']}", {**words, "title": "x", "version": 1}),
        ("DELETE", f"/topics/{topic['id']}", None),
        ("POST", f"/topics/{topic['id']}/replies", words),
        ("PATCH", f"/replies/{reply['id']}", {**words, "version": 1}),
        ("DELETE", f"/replies/{reply['id']}", None),
    ):
        outside.refused("not-found", method, path, json=body)
    assert outside.get("/groups", params={"text": group["name"]})["data"] == []
    # Who is invited learns of the group, and reads it once they have accepted.
    invited = {"person": outside.person["id"]}
    circle.ana.expect(201, "POST", f"/groups/{group['id']}/members", json=invited)
    assert outside.get("/groups", params={"text": group["name"]})["data"][0]["may"] == ["join", "leave"]
    outside.refused("not-found", "GET", f"/topics/{topic['id']}")
    join(outside, group)
    assert outside.get(f"/topics/{topic['id']}")["title"] == "Water"
    # And is a stranger again after leaving.
    outside.expect(204, "POST", f"/groups/{group['id']}/leave", json={})
    outside.refused("not-found", "GET", f"/groups/{group['id']}")


def test_joining_by_approval(circle: Circle) -> None:
    group = circle.create(join_policy="approval")
    asked = join(circle.ben, group)
    assert asked["membership"]["status"] == "asked"
    circle.ben.refused("members-only", "POST", f"/groups/{group['id']}/topics", json=TOPIC)
    waiting = {"status": "asked"}
    circle.ben.refused("stewards-only", "GET", f"/groups/{group['id']}/members", params=waiting)
    [waits] = circle.ana.get(f"/groups/{group['id']}/members", params=waiting)["data"]
    approve = f"/groups/{group['id']}/members/{waits['person']}/approve"
    circle.ben.refused("stewards-only", "POST", approve, json={})
    circle.ana.expect(200, "POST", approve, json={})
    circle.topic(group, circle.ben)


def test_the_last_steward_stays_until_another_leads_or_the_group_is_closed(circle: Circle) -> None:
    group = circle.create()
    path = f"/groups/{group['id']}"
    ana, ben = circle.ana.person["id"], circle.ben.person["id"]
    join(circle.ben, group)
    circle.ana.refused("last-steward", "POST", f"{path}/leave", json={})
    circle.ana.refused("last-steward", "PATCH", f"{path}/members/{ana}", json={"role": "member"})
    circle.ben.refused("stewards-only", "PATCH", f"{path}/members/{ben}", json={"role": "steward"})
    circle.ana.expect(200, "PATCH", f"{path}/members/{ben}", json={"role": "steward"})
    circle.ana.expect(204, "POST", f"{path}/leave", json={})
    circle.ben.refused("last-steward", "POST", f"{path}/leave", json={})
    assert circle.ben.expect(200, "POST", f"{path}/close", json={})["closed_at"]
    circle.ana.refused("group-closed", "POST", f"{path}/join", json={})
    circle.ben.refused("group-closed", "POST", f"{path}/topics", json=TOPIC)
    circle.ben.expect(204, "POST", f"{path}/leave", json={})


def test_two_stewards_who_leave_at_once_do_not_leave_the_group_alone(circle: Circle) -> None:
    group = circle.create()
    path = f"/groups/{group['id']}"
    join(circle.ben, group)
    ben = circle.ben.person["id"]
    circle.ana.expect(200, "PATCH", f"{path}/members/{ben}", json={"role": "steward"})
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda who: who.request("POST", f"{path}/leave", json={}), (circle.ana, circle.ben))
        )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


def test_only_operators_create_the_kinds_that_bind_institutions(circle: Circle) -> None:
    body = {"kind": "policy_group", "name": "Región de Sevilla"}
    circle.ana.refused("not-permitted", "POST", "/groups", json=body)
    circle.create(circle.person(roles=["operator"]), kind="policy_group")


def test_a_request_that_is_sent_again_makes_nothing_twice(circle: Circle) -> None:
    key = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"kind": "theme", "name": f"Once {secrets.token_hex(4)}"}
    first, again = (circle.ana.expect(201, "POST", "/groups", json=body, headers=key)["id"] for _ in range(2))
    assert first == again
    other = {**body, "name": "Another"}
    circle.ana.refused("idempotency-conflict", "POST", "/groups", json=other, headers=key)
    assert circle.ben.expect(201, "POST", "/groups", json=body, headers=key)["id"] != first
    circle.ben.refused("id-reused", "POST", "/groups", json={**body, "id": first})
    group = circle.create()
    for path, words in ((f"/groups/{group['id']}/topics", TOPIC), (None, {"body": "x", "language": "en"})):
        topic = group if path else circle.ana.get(f"/groups/{group['id']}/topics")["data"][0]
        where = path or f"/topics/{topic['id']}/replies"
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(
                    lambda _, where=where, words=words: circle.ana.request(
                        "POST", where, json=words, headers=key
                    ),
                    range(4),
                )
            )
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len(circle.ana.get(where)["data"]) == 1


def test_words_are_changed_by_their_author_and_the_earlier_ones_kept(circle: Circle) -> None:
    group = circle.create()
    join(circle.ben, group)
    topic = circle.topic(group)
    path = f"/topics/{topic['id']}"
    words = {"title": "Water", "body": "Who waters on Monday?", "language": "en", "version": 1}
    circle.ben.refused("not-permitted", "PATCH", path, json=words)
    edited = circle.ana.expect(200, "PATCH", path, json=words)
    assert (edited["version"], bool(edited["edited_at"])) == (2, True)
    circle.ana.refused("changed-meanwhile", "PATCH", path, json=words)
    circle.ben.refused("stewards-only", "GET", f"{path}/revisions")
    [earlier] = circle.ana.get(f"{path}/revisions")["data"]
    assert (earlier["version"], earlier["body"]) == (1, topic["body"])
    reply = circle.reply(topic, circle.ben)
    circle.ben.expect(
        200, "PATCH", f"/replies/{reply['id']}", json={"body": "Me", "language": "en", "version": 1}
    )
    assert len(circle.ana.get(f"/replies/{reply['id']}/revisions")["data"]) == 1


def test_deleting_leaves_a_place_without_words(circle: Circle) -> None:
    group = circle.create()
    join(circle.ben, group)
    topic = circle.topic(group)
    reply = circle.reply(topic, circle.ben, "a secret")
    other = circle.reply(topic, circle.ana, "stays")
    circle.ben.refused("not-permitted", "DELETE", f"/replies/{other['id']}")
    # A steward too may delete what another has said.
    circle.ana.expect(204, "DELETE", f"/replies/{reply['id']}")
    circle.ben.expect(204, "DELETE", f"/replies/{reply['id']}")
    gone, stays = circle.ben.get(f"/topics/{topic['id']}/replies")["data"]
    assert (gone["body"], bool(gone["deleted_at"]), stays["body"]) == ("", True, "stays")
    words = {"body": "x", "language": "en", "version": gone["version"]}
    circle.ben.refused("deleted", "PATCH", f"/replies/{reply['id']}", json=words)
    circle.ana.expect(204, "DELETE", f"/topics/{topic['id']}")
    circle.ana.refused("deleted", "POST", f"/topics/{topic['id']}/replies", json=REPLY)
    [listed] = circle.ben.get(f"/groups/{group['id']}/topics")["data"]
    assert (listed["title"], listed["reply_count"]) == ("", 2)
    assert circle.ana.get(f"/topics/{topic['id']}/revisions")["data"] == []


def test_groups_are_found_by_kind_and_words_page_by_page(circle: Circle) -> None:
    circle.ana, circle.ben = circle.person(), circle.person()
    word = secrets.token_hex(6)
    names = [f"{letter} {word}" for letter in "CAB"]
    for name in names:
        circle.create(name=name, kind="theme")
    circle.create(name=f"D {word}", description="100 %")
    found, cursor = [], None
    while True:
        query = {"text": word.upper(), "kind": "theme", "limit": 1, "cursor": cursor}
        page = circle.ben.get("/groups", params={name: one for name, one in query.items() if one})
        found += [group["name"] for group in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert found == sorted(names)
    assert len(circle.ana.get("/groups", params={"mine": "true"})["data"]) == 4
    assert circle.ben.get("/groups", params={"mine": "true"})["data"] == []
    assert circle.ben.get("/groups", params={"text": f"{word}%"})["data"] == []
    circle.ben.refused("invalid-request", "GET", "/groups", params={"cursor": "made up"})


def test_topics_stand_in_the_order_of_their_last_reply(circle: Circle) -> None:
    group = circle.create()
    topics = [circle.topic(group, title=f"Topic {number}") for number in range(3)]
    circle.reply(topics[0])
    found, cursor = [], None
    for _ in range(3):
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = circle.ben.get(f"/groups/{group['id']}/topics", params=query)
        found += [topic["title"] for topic in page["data"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (["Topic 0", "Topic 2", "Topic 1"], None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", " \u200b\u202e"),
        ("title", "x" * 161),
        ("body", "\n \t"),
        ("body", "x" * 20_001),
        ("language", "tlh"),
        ("id", "1"),
    ],
)
def test_bad_words_are_refused_with_their_field(circle: Circle, field: str, value: str) -> None:
    group = circle.create()
    problem = circle.ana.refused(
        "invalid-request", "POST", f"/groups/{group['id']}/topics", json={**TOPIC, field: value}
    )
    assert [fault["pointer"] for fault in problem["errors"]] == [f"/{field}"]


def test_words_lose_controls_and_overrides_and_keep_the_rest(circle: Circle) -> None:
    group = circle.create()
    topic = circle.topic(group, title="fdp.\u202egpj \x07exe", body="مرحبا <b>&\r\n👩🏽‍🌾\x07")
    half = {**TOPIC, "title": "\ud800"}
    circle.ana.refused("malformed-json", "POST", f"/groups/{group['id']}/topics", json=half)
    assert (topic["title"], topic["body"]) == ("fdp.gpj exe", "مرحبا <b>&\n👩🏽‍🌾")


def test_what_is_no_id_is_no_address(circle: Circle) -> None:
    for path in ("/groups/x", "/topics/%00", "/replies/'or'1", "/groups/../topics", f"/topics/{'a' * 4000}"):
        assert circle.ana.request("GET", path).status_code == 404, path


TOPIC = {"title": "Water", "body": "Who waters?", "language": "en"}
REPLY = {"body": "Me", "language": "en"}
