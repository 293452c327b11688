"""The reader's language: choosing it, and texts in it.

Texts in the code are English and the keys of `translations/<language>/messages.po`, which are read once at
the start.
"""

import gettext as stdlib_gettext
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from shared.contracts.identity import LOCALES

FOLDER = Path(__file__).parent / "translations"
DEFAULT = "en"
OWN_NAMES: Mapping[str, str] = {
    "en": "English",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "el": "Ελληνικά",
    "ar": "العربية",
}
"""Every language that the pages speak, by its own name, in the order of the menu."""

RULES: Mapping[str, str] = {"en": "en_GB", "pt": "pt_PT"}
"""Whose ways of writing numbers and dates a language takes, where it has several: those of our side of the
ocean.
"""

assert set(OWN_NAMES) == set(LOCALES)

_language: ContextVar[str] = ContextVar("language", default=DEFAULT)


def language() -> str:
    """The code of the language that texts are given in now."""
    return _language.get()


def choose(code: str) -> None:
    """Speak this language from here on in this context. Raises ValueError for one that we do not speak."""
    if code not in OWN_NAMES:
        raise ValueError(f"no language {code!r}")
    _language.set(code)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak a language inside the block."""
    token = _language.set(code)
    try:
        yield
    finally:
        _language.reset(token)


def locale() -> Locale:
    """Babel's rules of the present language."""
    return _locale(language())


def direction() -> str:
    """ "rtl" where the present language runs from right to left, else "ltr"."""
    return str(locale().text_direction)


def gettext(message: str) -> str:
    """The message in the present language; the English one where no translation is known."""
    return str(_catalogue(language()).gettext(message))


def translated(message: str) -> str:
    """As `gettext`, for a text that is not written where it is translated: from the table of problems, or a
    service.
    """
    return gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """As `gettext`, in the form that the present language uses with `number`."""
    return _catalogue(language()).ngettext(singular, plural, number)


def load_all() -> None:
    """Read every catalogue, so that a broken one stops the start and no reader waits for it."""
    for code in OWN_NAMES:
        _catalogue(code)
        _locale(code)


def wanted(given: str | None, remembered: str | None, of_person: str | None, accepted: Any) -> str:
    """The language of a request: asked for in the address, in the cookie, the person's own, the browser's.

    `accepted` is the parsed Accept-Language header.
    """
    for code in (given, remembered, of_person):
        if code is not None and code in OWN_NAMES:
            return code
    for tag, _quality in accepted:
        primary = tag.partition("-")[0].lower()
        if primary in OWN_NAMES:
            return str(primary)
    return DEFAULT


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(RULES.get(code, code))


@cache
def _catalogue(code: str) -> stdlib_gettext.NullTranslations:
    with (FOLDER / code / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return stdlib_gettext.GNUTranslations(compiled)
