"""Every text of the code is translated into every language, with the same placeholders; nothing else is."""

import re

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from deploy import translations
from gateway import i18n

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


@pytest.fixture(scope="module")
def used() -> Catalog:
    return translations.template()


def catalogue(language: str) -> Catalog:
    with (i18n.FOLDER / language / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", list(i18n.OWN_NAMES))
def test_every_text_has_its_translation_with_the_same_placeholders(language: str, used: Catalog) -> None:
    translated = catalogue(language)
    wrong = []
    for message in used:
        if not message.id:
            continue
        found = translated.get(message.id[0] if isinstance(message.id, tuple) else message.id)
        if found is None or not all(forms(found)):
            wrong.append(f"missing: {message.id!r}")
        elif any(sorted(PLACEHOLDER.findall(form)) != expected(message) for form in forms(found)):
            wrong.append(f"placeholders: {message.id!r}")
    assert not wrong, "run `make translations`, then translate:\n" + "\n".join(wrong)


@pytest.mark.parametrize("language", list(i18n.OWN_NAMES))
def test_no_translation_is_left_of_a_text_that_is_gone(language: str, used: Catalog) -> None:
    gone = [message.id for message in catalogue(language) if message.id and message.id not in used]
    assert not gone


def test_arabic_has_its_six_plural_forms() -> None:
    assert catalogue("ar").num_plurals == 6
    [hours] = [message for message in catalogue("ar") if message.id and message.id[0] == "%(number)s h"]
    assert len(forms(hours)) == 6


def forms(message: Message) -> list[str]:
    """The translation's forms: one, or as many as the language has plurals."""
    several = message.string if isinstance(message.string, tuple | list) else [message.string]
    return [form or "" for form in several]


def expected(message: Message) -> list[str]:
    text = message.id if isinstance(message.id, str) else message.id[0]
    return sorted(PLACEHOLDER.findall(text))
