"""Signing in and out on the pages."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from gateway import problems
from gateway.api.sessions import end_session
from gateway.asking import COOKIE, MAX_SECRET_LENGTH, ask_openly, maybe_signed_in, secret
from gateway.i18n import gettext as _
from gateway.wiring import is_https
from shared.contracts import clock, identity
from shared.contracts.errors import Refusal

MAX_EMAIL_LENGTH = 254
AFTER_SIGN_IN = "/wallet"

pages = Blueprint("sign_in", __name__)


@pages.get("/sign-in")
def show() -> str | Response:
    target = local(request.args.get("next"))
    if maybe_signed_in() is not None:
        return redirect(target, 303)
    return _form(target, "", [])


@pages.post("/sign-in")
def sign_in() -> Response | tuple[str, int]:
    target = local(request.form.get("next"))
    email, password = request.form.get("email", "").strip(), request.form.get("password", "")
    errors = _missing(email, password)
    if errors:
        return _form(target, email, errors), 422
    try:
        session = ask_openly(identity.SERVICE, "sign_in", {"email": email, "password": password})
    except Refusal as refusal:
        if refusal.slug not in ("wrong-credentials", "too-many-attempts"):
            raise
        sentence = f"{problems.title(refusal.problem)}. {problems.detail(refusal)}"
        return _form(target, email, [("email", sentence)]), refusal.problem.status
    answer = redirect(target, 303)
    seconds = (clock.from_text(session["expires_at"]) - clock.now_us()) // clock.MICROSECONDS
    answer.set_cookie(
        COOKIE,
        session["session"],
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_https(),
    )
    return answer


@pages.post("/sign-out")
def sign_out() -> Response:
    given = secret()
    if given and len(given) <= MAX_SECRET_LENGTH:
        end_session(given)
    answer = redirect("/", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="Lax", secure=is_https())
    return answer


def local(target: str | None) -> str:
    """Where to go after signing in: only ever an address of our own."""
    if not target or not target.isprintable() or target[0] != "/" or target[1:2] in ("/", "\\"):
        return AFTER_SIGN_IN
    return target


def _missing(email: str, password: str) -> list[tuple[str, str]]:
    errors = []
    if not email or len(email) > MAX_EMAIL_LENGTH:
        errors.append(("email", _("Enter your e-mail address")))
    if not password or len(password) > identity.PASSWORD_MAX_LENGTH:
        errors.append(("password", _("Enter your password")))
    return errors


def _form(target: str, email: str, errors: list[tuple[str, str]]) -> str:
    return render_template("sign_in.html", target=target, email=email, errors=errors, faults=dict(errors))
