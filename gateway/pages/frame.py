"""What every page is given: language, who is signed in, assets, formats."""

from typing import Any

from flask import Flask

from gateway import formats, i18n
from gateway.asking import maybe_signed_in
from gateway.pages.common import currency_name
from gateway.wiring import wiring


def register(app: Flask) -> None:
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    assets = wiring().assets
    return {
        "lang": i18n.language(),
        "dir": i18n.direction(),
        "locale_names": list(i18n.OWN_NAMES.items()),
        "current_user": maybe_signed_in(),
        "asset": assets.script,
        "asset_css": assets.styles,
        "currency_name": currency_name,
        "formats": formats,
    }
