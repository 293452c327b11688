"""A currency's charter as people read it: the version in force, those before and those to come."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Blueprint, render_template, request

from gateway import charter_words, formats
from gateway.asking import ask_openly
from gateway.i18n import gettext as _
from gateway.pages.common import currency_of
from shared.contracts import clock, ledger
from shared.contracts.charters import read
from shared.contracts.errors import Refusal

MAX_VERSION = 1000

pages = Blueprint("charter", __name__)


class Version(NamedTuple):
    """A line of the history. `kind` is the badge's."""

    number: int
    name: str
    begins: str
    iso: str
    status: str
    kind: str
    href: str


@pages.get("/currencies/<string:code>/charter")
def show(code: str) -> str:
    currency = currency_of(code)
    shown = ask_openly(ledger.SERVICE, "get_charter", {"currency": code, "version": _asked()})
    charter = read(shown["charter"])
    versions = _versions(code, shown["versions"])
    return render_template(
        "charter.html",
        currency=currency,
        version=next(version for version in versions if version.number == shown["version"]),
        versions=versions,
        description=charter_words.own_words(charter.description),
        sections=charter_words.sections(charter, code),
    )


def _asked() -> int | None:
    """The version that the address names, if it names any. Raises Refusal `not-found` where it names none
    that could be.
    """
    asked = request.args.get("version")
    if asked is None:
        return None
    if not (asked.isascii() and asked.isdigit() and len(asked) <= len(str(MAX_VERSION))):
        raise Refusal("not-found")
    return int(asked)


def _versions(code: str, listed: list[Mapping[str, Any]]) -> list[Version]:
    """The newest first."""
    now = clock.now_us()
    begun = [each["version"] for each in listed if clock.from_text(each["valid_from"]) <= now]
    in_force = max(begun, default=1)
    return [
        Version(
            number=each["version"],
            name=_("Version %(number)s") % {"number": formats.count(each["version"])},
            begins=formats.moment(each["valid_from"]),
            iso=each["valid_from"],
            status=_status(each["version"], in_force),
            kind="success" if each["version"] == in_force else "",
            href=f"/currencies/{code}/charter?version={each['version']}",
        )
        for each in reversed(listed)
    ]


def _status(version: int, in_force: int) -> str:
    if version == in_force:
        return _("In force")
    return _("Past") if version < in_force else _("To come")
