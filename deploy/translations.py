"""Keeps the catalogues of translations in step with the texts of the code: `make translations`.

The texts are English: in the gateway's code and templates, in the table of refusals, and in the dashboard's
catalogue, whose texts the gateway gets by RPC. Written here, since only this room may import all of them.
"""

import copy
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from gateway import i18n
from services.dashboard.indicators import formulas
from services.dashboard.indicators.catalogue import INDICATORS
from shared.contracts.errors import PROBLEMS

ROOT = Path(__file__).resolve().parent.parent
METHODS = [("gateway/templates/**.html", "jinja2"), ("gateway/**.py", "python")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
WIDTH = 110
DROPPED = tuple(
    f'"{name}: '.encode()
    for name in (
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)


def template() -> Catalog:
    """Every text that is translated, without translations."""
    catalogue = Catalog(project="MedTOWN", charset="utf-8")
    options = {"gateway/templates/**.html": {"trimmed": "true"}}
    for place, _line, message, comments, context in extract_from_dir(
        ROOT, METHODS, options, keywords=KEYWORDS, directory_filter=_is_ours
    ):
        catalogue.add(message, locations=[(place, 0)], auto_comments=comments, context=context)
    for place, texts in (
        ("shared/contracts/errors.py", _of_problems()),
        ("services/dashboard/indicators/catalogue.py", _of_indicators()),
        ("services/dashboard/indicators/formulas.py", _of_reasons()),
    ):
        for text in texts:
            catalogue.add(text, locations=[(place, 0)])
    return catalogue


def update() -> dict[str, int]:
    """Bring every language's catalogue up to date; how many texts of each lack a translation."""
    current = template()
    missing = {}
    for code in i18n.OWN_NAMES:
        path = i18n.FOLDER / code / "messages.po"
        with path.open("rb") as file:
            catalogue = read_po(file, locale=code)
        # The catalogue takes the messages themselves, so each needs its own.
        catalogue.update(copy.deepcopy(current), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        catalogue.fuzzy = False
        if code == "en":
            _speak_english(catalogue)
        missing[code] = sum(1 for message in catalogue if message.id and not _is_complete(message.string))
        path.write_bytes(_written(catalogue))
    return missing


def _written(catalogue: Catalog) -> bytes:
    """The file of a catalogue, without the parts of its head that change with every run or say nothing."""
    written = io.BytesIO()
    write_po(written, catalogue, width=WIDTH, sort_output=True, include_lineno=False)
    head, rest = written.getvalue().split(b"\n\n", 1)
    kept = [line for line in head.split(b"\n") if not line.startswith(DROPPED)]
    return b"\n".join(kept) + b"\n\n" + rest


def _of_problems() -> Iterator[str]:
    for problem in PROBLEMS.values():
        yield problem.title
        yield problem.detail
        if problem.brief:
            yield problem.brief


def _of_indicators() -> Iterator[str]:
    for indicator in INDICATORS.values():
        yield from (indicator.name, indicator.definition, indicator.excludes, indicator.source)


def _of_reasons() -> Iterable[str]:
    """The reasons why a figure is undefined: the constants of the formulas' module."""
    return [text for name, text in vars(formulas).items() if name.isupper() and isinstance(text, str)]


def _speak_english(catalogue: Catalog) -> None:
    for message in catalogue:
        if message.id:
            message.string = message.id


def _is_complete(translation: object) -> bool:
    forms = translation if isinstance(translation, tuple | list) else (translation,)
    return all(forms)


def _is_ours(folder: str) -> bool:
    return Path(folder).name not in (
        "node_modules",
        "static",
        "web",
        "__pycache__",
        ".venv",
        "data",
    ) and not (Path(folder).name.startswith("."))


if __name__ == "__main__":
    lacking = {code: count for code, count in update().items() if count}
    for code, count in lacking.items():
        print(f"{code}: {count} texts are not translated yet", file=sys.stderr)
    sys.exit(bool(lacking))
