"""Discussions on pages: opening a topic, reading it, replying, changing and deleting one's own words."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from gateway import i18n, prose
from gateway.api.groups import names_of
from gateway.asking import ask, signed_in
from gateway.pages import group_words
from gateway.pages.groups import PAGE, cursor, form_faults, more
from shared.contracts import cop, ids
from shared.contracts.errors import Refusal

MAX_NUMBER = 10**9

pages = Blueprint("discussions", __name__)


class Draft(NamedTuple):
    """The form of a topic or a reply, as it was filled in. `id` is the new one's; `version` the one that is
    edited.
    """

    id: str = ""
    version: str = ""
    title: str = ""
    body: str = ""
    language: str = "en"
    category: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Draft":
        return cls(**{field: str(given[field]) for field in cls._fields if field in given})

    @classmethod
    def empty(cls, language: str) -> "Draft":
        return cls(id=ids.new_id(), language=language)

    def words(self, of_topic: bool) -> dict[str, Any]:
        """What the service is told of it."""
        reply = {"body": self.body, "language": self.language}
        return {**reply, "title": self.title, "category": self.category} if of_topic else reply

    def named(self) -> "Draft":
        """With an id that a new topic or reply can have."""
        return self if ids.is_id(self.id) else self._replace(id=ids.new_id())

    @property
    def seen_version(self) -> int:
        return int(self.version) if self.version.isdecimal() else 0


@pages.get("/groups/<id:id>/topics/new")
def new(id: str) -> str:
    group = ask(cop.SERVICE, "get_group", group=id)
    if "write" not in group["may"]:
        raise Refusal("group-closed" if group["closed_at"] else "members-only")
    return _topic_form(group, Draft.empty(i18n.language()), {})


@pages.post("/groups/<id:id>/topics/new")
def open_topic(id: str) -> Response | tuple[str, int]:
    draft = Draft.of(request.form).named()
    try:
        topic = ask(cop.SERVICE, "open_topic", group=id, id=draft.id, **draft.words(of_topic=True))
    except Refusal as refusal:
        faults = form_faults(refusal)
        return _topic_form(ask(cop.SERVICE, "get_group", group=id), draft, faults), refusal.problem.status
    return redirect(f"/topics/{topic['id']}", 303)


@pages.get("/topics/<id:id>")
def show(id: str) -> str:
    return _topic(id, Draft.empty(i18n.language()), {})


@pages.post("/topics/<id:id>/reply")
def reply(id: str) -> Response | tuple[str, int]:
    draft = Draft.of(request.form).named()
    try:
        made = ask(cop.SERVICE, "add_reply", topic=id, id=draft.id, **draft.words(of_topic=False))
    except Refusal as refusal:
        return _topic(id, draft, form_faults(refusal)), refusal.problem.status
    return redirect(f"/topics/{id}?start={made['number']}#reply-{made['number']}", 303)


@pages.get("/<any(topics, replies):kind>/<id:id>/edit")
def edit_form(kind: str, id: str) -> str:
    post = _post(kind, id)
    return _edit_form(kind, post, Draft.of(post), {})


@pages.post("/<any(topics, replies):kind>/<id:id>/edit")
def edit(kind: str, id: str) -> Response | tuple[str, int]:
    draft, noun = Draft.of(request.form), _noun(kind)
    words = draft.words(of_topic=noun == "topic")
    try:
        post = ask(cop.SERVICE, f"edit_{noun}", **{noun: id}, version=draft.seen_version, **words)
    except Refusal as refusal:
        faults = form_faults(refusal)
        return _edit_form(kind, _post(kind, id), draft, faults), refusal.problem.status
    return redirect(_place(post), 303)


@pages.post("/<any(topics, replies):kind>/<id:id>/delete")
def delete(kind: str, id: str) -> Response:
    post = _post(kind, id)
    ask(cop.SERVICE, f"delete_{_noun(kind)}", **{_noun(kind): id})
    return redirect(_place(post), 303)


def _noun(kind: str) -> str:
    return "topic" if kind == "topics" else "reply"


def _post(kind: str, id: str) -> dict[str, Any]:
    noun = _noun(kind)
    post: dict[str, Any] = ask(cop.SERVICE, f"get_{noun}", **{noun: id})
    return post


def _place(post: Mapping[str, Any]) -> str:
    """Where a topic or a reply is read."""
    if "number" not in post:
        return f"/topics/{post['id']}"
    return f"/topics/{post['topic']}?start={post['number']}#reply-{post['number']}"


def _topic(id: str, draft: Draft, faults: Mapping[str, str]) -> str:
    seen = ask(cop.SERVICE, "read_topic", topic=id, limit=PAGE, **_where())
    topic, replies = seen["topic"], seen["replies"]
    names = names_of([topic["author"], *(each["author"] for each in replies["data"])])
    first = replies["data"][0]["number"] if replies["data"] else 1
    return render_template(
        "topic.html",
        topic=topic,
        group=seen["group"],
        replies=replies["data"],
        earlier=f"/topics/{id}?start={max(1, first - PAGE)}" if first > 1 else None,
        later=more(f"/topics/{id}", replies),
        names=names,
        nobody=group_words.nobody(),
        language_names=group_words.languages(),
        draft=draft,
        faults=faults,
        person=signed_in(),
        prose=prose.html,
    )


def _where() -> dict[str, Any]:
    """Which of the replies: from the cursor on, or the page that begins with the reply of this number."""
    start = request.args.get("start", "")
    if start.isascii() and start.isdigit() and 1 <= int(start) <= MAX_NUMBER:
        return {"start": int(start)}
    return {"cursor": cursor()}


def _topic_form(group: dict[str, Any], draft: Draft, faults: Mapping[str, str]) -> str:
    return render_template(
        "topic_new.html", group=group, draft=draft, faults=faults, language_names=group_words.languages()
    )


def _edit_form(kind: str, post: Mapping[str, Any], draft: Draft, faults: Mapping[str, str]) -> str:
    if "edit" not in post["may"] and not faults:
        raise Refusal("not-permitted", action="change what another person has written")
    return render_template(
        "post_edit.html",
        kind=kind,
        post=post,
        draft=draft,
        faults=faults,
        place=_place(post),
        language_names=group_words.languages(),
    )
