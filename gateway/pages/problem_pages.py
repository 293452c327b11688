"""The addresses that problems name as their type: what each means."""

import re

from flask import Blueprint, render_template
from markupsafe import Markup, escape

from gateway.i18n import translated
from shared.contracts.errors import PROBLEMS, Problem, Refusal

pages = Blueprint("problem_pages", __name__)

_PARAMETER = re.compile(r"\{(\w+)\}")


@pages.get("/problems/")
def index() -> str:
    known = sorted(PROBLEMS.values(), key=lambda problem: problem.slug)
    return render_template("problems.html", problems=known)


@pages.get("/problems/<string:slug>")
def explain(slug: str) -> str:
    problem = PROBLEMS.get(slug)
    if problem is None:
        raise Refusal("not-found")
    return render_template("problem_type.html", problem=problem, sentence=_general(problem))


def _general(problem: Problem) -> Markup:
    """The detail with its parameters' names where their values stand in an answer."""
    parts = _PARAMETER.split(translated(problem.detail))
    return Markup("").join(
        Markup("<var><bdi>{}</bdi></var>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )
