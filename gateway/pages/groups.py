"""Groups on pages: finding one, reading it, joining and leaving, leading it."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from gateway import i18n, problems, prose
from gateway.api.groups import names_of
from gateway.asking import ask, signed_in, together
from gateway.i18n import gettext as _
from gateway.pages import group_words
from shared.contracts import cop, identity, ids
from shared.contracts.errors import Refusal

PAGE = 20
MEMBERS_SHOWN = 100
LISTED_LIMIT = 200
MAX_CURSOR_LENGTH = 400

pages = Blueprint("group_pages", __name__)


class Draft(NamedTuple):
    """A group's form, as it was filled in. `id` is the new group's; `version` the one that is edited."""

    id: str = ""
    version: str = ""
    kind: str = "open"
    name: str = ""
    description: str = ""
    territory: str = ""
    visibility: str = "public"
    join_policy: str = "open"
    language: str = "en"

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Draft":
        return cls(**{field: str(given[field]) for field in cls._fields if field in given})

    @property
    def described(self) -> dict[str, str]:
        """What the service is told of a new and of an edited group alike."""
        given = self._asdict()
        for left_out in ("id", "version", "kind"):
            del given[left_out]
        return given


@pages.get("/groups")
def index() -> str:
    person = signed_in()
    kind, text = request.args.get("kind", ""), request.args.get("text", "").strip()[:100]
    mine = request.args.get("mine") == "1"
    filters = {
        "kind": kind if kind in cop.GROUP_KINDS else "",
        "text": text,
        "mine": "1" if mine else "",
    }
    found = ask(
        cop.SERVICE,
        "list_groups",
        kind=filters["kind"] or None,
        text=text,
        mine=mine,
        cursor=cursor(),
        limit=PAGE,
    )
    return render_template(
        "groups.html",
        groups=found["data"],
        filters=filters,
        filtered=any(filters.values()),
        more=more("/groups", found, **{name: value for name, value in filters.items() if value}),
        kinds=group_words.kinds(),
        person=person,
    )


@pages.get("/groups/new")
def new() -> str:
    signed_in()
    return _form(Draft(id=ids.new_id(), language=i18n.language()), {})


@pages.post("/groups/new")
def create() -> Response | tuple[str, int]:
    signed_in()
    draft = Draft.of(request.form)
    group = draft.id if ids.is_id(draft.id) else ids.new_id()
    try:
        view = ask(cop.SERVICE, "create_group", id=group, kind=draft.kind, **draft.described)
    except Refusal as refusal:
        return _form(draft._replace(id=group), form_faults(refusal)), refusal.problem.status
    return redirect(f"/groups/{view['id']}", 303)


@pages.get("/groups/<id:id>")
def show(id: str) -> str:
    seen = ask(cop.SERVICE, "read_group", group=id, cursor=cursor(), limit=PAGE, members=MEMBERS_SHOWN)
    group, topics, members = seen["group"], seen["topics"], seen["members"]
    names = names_of(
        [topic["author"] for topic in topics["data"]] + [member["person"] for member in members["data"]]
    )
    return render_template(
        "group.html",
        group=group,
        topics=topics["data"],
        older=more(f"/groups/{id}", topics),
        members=members["data"],
        unshown=group["member_count"] - len(members["data"]) if "read" in group["may"] else 0,
        names=names,
        nobody=group_words.nobody(),
        words=group_words,
        prose=prose.html,
    )


@pages.post("/groups/<id:id>/join")
def join(id: str) -> Response:
    ask(cop.SERVICE, "join_group", group=id)
    return redirect(f"/groups/{id}", 303)


@pages.post("/groups/<id:id>/leave")
def leave(id: str) -> Response:
    ask(cop.SERVICE, "leave_group", group=id)
    return redirect("/groups?mine=1", 303)


@pages.get("/groups/<id:id>/lead")
def lead(id: str) -> str:
    """The stewards' page: who asks, who is in, what the group says of itself."""
    return _leading(id, None, {})


@pages.post("/groups/<id:id>/edit")
def edit(id: str) -> Response | tuple[str, int]:
    draft = Draft.of(request.form)
    version = int(draft.version) if draft.version.isdecimal() else 0
    try:
        ask(cop.SERVICE, "edit_group", group=id, version=version, **draft.described)
    except Refusal as refusal:
        return _leading(id, draft, form_faults(refusal)), refusal.problem.status
    return redirect(f"/groups/{id}", 303)


@pages.post("/groups/<id:id>/members")
def change_member(id: str) -> Response | tuple[str, int]:
    """What a steward does with one person: the button that was pressed says what."""
    person, action = request.form.get("person", ""), request.form.get("action", "")
    try:
        match action:
            case "approve" | "invite":
                ask(cop.SERVICE, f"{action}_member", group=id, person=person)
            case "steward" | "member":
                ask(cop.SERVICE, "change_role", group=id, person=person, role=action)
            case "remove":
                ask(cop.SERVICE, "remove_member", group=id, person=person)
            case _:
                raise Refusal("not-found")
    except Refusal as refusal:
        return _leading(id, None, form_faults(refusal)), refusal.problem.status
    return redirect(f"/groups/{id}/lead", 303)


@pages.post("/groups/<id:id>/close")
def close(id: str) -> Response:
    ask(cop.SERVICE, "close_group", group=id)
    return redirect(f"/groups/{id}", 303)


def cursor() -> str | None:
    """Where the list goes on, as the address says it."""
    return request.args.get("cursor", "")[:MAX_CURSOR_LENGTH] or None


def more(path: str, answer: Mapping[str, Any], **query: str) -> str | None:
    """The address of the next page of a list, if there is one."""
    if not answer["has_more"]:
        return None
    return f"{path}?{urlencode({**query, 'cursor': answer['next_cursor']})}"


def form_faults(refusal: Refusal) -> dict[str, str]:
    """What a form says of a refusal, by field; "" for what is said of the whole. Raises again what no form
    can mend.
    """
    if refusal.problem.status in (401, 404) or refusal.problem.status >= 500:
        raise refusal
    if refusal.slug == "invalid-request":
        found = {fault.pointer.strip("/"): _sentence(fault.pointer.strip("/")) for fault in refusal.faults}
        return found or {"": problems.detail(refusal)}
    return {"": problems.detail(refusal)}


def _sentence(field: str) -> str:
    """What would be right, in the reader's words."""
    return {
        "name": _("Write a name of %(least)s to %(most)s characters")
        % {"least": cop.NAME_LENGTHS[0], "most": cop.NAME_LENGTHS[1]},
        "description": _("Write at most %(most)s characters") % {"most": cop.DESCRIPTION_MAX_LENGTH},
        "territory": _("Write small letters, digits and hyphens, such as es-seville"),
        "title": _("Write a title of at most %(most)s characters") % {"most": cop.TITLE_MAX_LENGTH},
        "body": _("Write something, at most %(most)s characters") % {"most": cop.BODY_MAX_LENGTH},
        "category": _("Write at most %(most)s characters") % {"most": cop.CATEGORY_MAX_LENGTH},
    }.get(field, _("Choose one of the list"))


def _form(draft: Draft, faults: Mapping[str, str]) -> str:
    kinds = group_words.kinds()
    if not signed_in().has("operator", "administrator"):
        kinds = {kind: kinds[kind] for kind in cop.MEMBERS_OWN_KINDS}
    return render_template(
        "group_new.html", draft=draft, faults=faults, kinds=list(kinds.items()), words=group_words
    )


def _leading(id: str, draft: Draft | None, faults: Mapping[str, str]) -> str:
    led, listed = together(
        lambda: ask(cop.SERVICE, "lead_group", group=id, members=MEMBERS_SHOWN),
        lambda: ask(identity.SERVICE, "find_listed", text="", limit=LISTED_LIMIT)["data"],
    )
    asked, invited, members = led["asked"], led["invited"], led["active"]
    known = {each["person"] for each in (*asked, *invited, *members)}
    return render_template(
        "group_lead.html",
        group=led["group"],
        draft=draft or Draft.of(led["group"]),
        faults=faults,
        asked=asked,
        invited=invited,
        members=members,
        names=names_of([each["person"] for each in (*asked, *invited, *members)]),
        invitable=[(each["id"], each["name"]) for each in listed if each["id"] not in known],
        nobody=group_words.nobody(),
        words=group_words,
    )
