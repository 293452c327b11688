"""The first page: what this is, the two doors, and what happens now."""

from typing import Any

from flask import Blueprint, render_template

from gateway.asking import together
from gateway.pages import figures
from gateway.pages.common import currencies

SHOWN = 3
"""How many currencies are shown with their figures; all stand on the impact page."""

pages = Blueprint("home", __name__)


@pages.get("/")
def home() -> str:
    known = currencies()
    shown = figures.with_most_life(known.values())[:SHOWN]
    cards: list[Any] = together(*(figures.card_of(currency) for currency in shown)) if shown else []
    return render_template("home.html", cards=cards, more=len(known) > len(shown))
