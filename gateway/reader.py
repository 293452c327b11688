"""Who reads, and in which language: set up before every request, said again in the answer."""

from flask import Flask, Response, request

from gateway import i18n
from gateway.asking import maybe_signed_in
from gateway.wiring import API_PREFIX, is_https

LANGUAGE_COOKIE = "medtown_lang"
YEAR_SECONDS = 365 * 24 * 3600


def register(app: Flask) -> None:
    app.before_request(_choose_language)
    app.after_request(_remember_language)


def in_words(response: Response) -> Response:
    """Say in which language an answer is, and that it hangs on what the reader prefers."""
    response.headers.setdefault("Content-Language", i18n.language())
    response.vary.add("Accept-Language")
    return response


def _choose_language() -> None:
    environ = request.environ
    if environ["PATH_INFO"].startswith((API_PREFIX, "/static/")):
        named = "HTTP_ACCEPT_LANGUAGE" in environ
        i18n.choose(i18n.wanted(None, None, None, request.accept_languages) if named else i18n.DEFAULT)
        return
    accepted = request.accept_languages
    given, remembered = request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)
    own = None
    if given not in i18n.OWN_NAMES and remembered not in i18n.OWN_NAMES:
        # A fault while asking who this is must itself be told in some language.
        i18n.choose(i18n.wanted(None, None, None, accepted))
        person = maybe_signed_in()
        own = str(person.person["locale"]) if person else None
    i18n.choose(i18n.wanted(given, remembered, own, accepted))


def _remember_language(response: Response) -> Response:
    if request.environ["PATH_INFO"].startswith((API_PREFIX, "/static/")):
        return response
    in_words(response)
    response.vary.add("Cookie")
    if request.args.get("lang") in i18n.OWN_NAMES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            i18n.language(),
            max_age=YEAR_SECONDS,
            samesite="Lax",
            secure=is_https(),
            httponly=True,
        )
    return response
