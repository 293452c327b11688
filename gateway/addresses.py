"""Ids and codes in addresses: what cannot be one is an address that does not exist."""

from flask import Flask
from werkzeug.routing import BaseConverter

from shared.contracts.primitives import CODE_PATTERN, ID_PATTERN


class IdConverter(BaseConverter):
    """`<id:group>` in a rule."""

    regex = ID_PATTERN.strip("^$")


class CodeConverter(BaseConverter):
    """`<code:code>` of a currency."""

    regex = CODE_PATTERN.strip("^$")


def register(app: Flask) -> None:
    """To be called before any rule is added that has one of them in it."""
    app.url_map.converters["id"] = IdConverter
    app.url_map.converters["code"] = CodeConverter
