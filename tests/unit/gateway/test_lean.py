"""Flask with its constant steps taken once, beside Flask itself."""

import io
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, g, redirect, request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import run_wsgi_app

from gateway.lean import LeanFlask, LeanResponse

LIMIT = 20

Kind = TypeVar("Kind", bound=Flask)


def made(kind: type[Kind]) -> Kind:
    """An application with everything that Flask has to see to at a request."""
    app = kind("tried")
    app.config["MAX_CONTENT_LENGTH"] = LIMIT
    part = Blueprint("part", __name__, url_prefix="/part")

    @app.before_request
    def note() -> None:
        g.seen = ["app"]

    @part.before_request
    def refuse() -> Any:
        g.seen.append("part")
        return ("refused", 403) if "refuse" in request.args else None

    @app.after_request
    def tell(answer: Response) -> Response:
        answer.headers["X-Seen"] = ",".join(g.get("seen", ())) + f" {request.endpoint} {request.view_args}"
        answer.headers["X-Host"] = f"{request.host} {request.url_root}"
        return answer

    @part.after_request
    def mark(answer: Response) -> Response:
        answer.headers["X-Part"] = "yes"
        return answer

    @app.route("/", methods=["GET", "POST"])
    def root() -> Any:
        return request.get_data() + b"." + request.get_data()

    @app.route("/slash/")
    def slash() -> Any:
        return LeanResponse(b"slash", 200, {"Location": "/caf\u00e9 b"})

    @app.route("/constant", defaults={"given": 1})
    @app.route("/item/<int:given>", methods=["GET", "DELETE"])
    def item(given: int) -> Any:
        return LeanResponse(f"{given}".encode(), 204 if request.method == "DELETE" else 201)

    @part.route("/inside", methods=["GET", "PUT"])
    def inside() -> Any:
        return LeanResponse(request.get_data(cache=False, as_text=True), 299)

    @part.route("/form", methods=["POST"])
    def form() -> Any:
        return repr([sorted(request.form.items()), request.get_data()])

    @part.route("/stream", methods=["POST"])
    def stream() -> Any:
        return repr([request.stream.read(3), request.get_data(), request.stream.read()])

    @part.route("/away")
    def away() -> Any:
        return redirect("/part/inside")

    @part.route("/fault")
    def fault() -> Any:
        raise ZeroDivisionError

    app.register_blueprint(part)
    return app


APPS = made(LeanFlask), made(Flask)
PATHS = st.one_of(
    st.sampled_from(["/", "//", "/slash", "/slash/", "/constant", "/item/1", "/item/02", "/item/x", ""]),
    st.sampled_from(["/part/inside", "/part/form", "/part/stream", "/part/away", "/part/fault"]),
    st.sampled_from(["/part//inside", "/nothing", "/caf\u00c3\u00a9"]),
)
HOSTS = st.sampled_from(
    [None, "a.example", "A.example:8000", "a.example:80", "b\u00fccher", "a b", "", "[::1]:8"]
)


@st.composite
def environs(draw: st.DrawFn) -> dict[str, Any]:
    body = draw(st.binary(max_size=LIMIT + 4))
    length = draw(
        st.sampled_from([None, len(body), len(body), len(body) + 1, max(0, len(body) - 1), "x", "-1"])
    )
    environ: dict[str, Any] = {
        "REQUEST_METHOD": draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "NONE"])),
        "PATH_INFO": draw(PATHS),
        "QUERY_STRING": draw(st.sampled_from(["", "refuse=1", "a=caf\u00c3\u00a9"])),
        "SCRIPT_NAME": draw(st.sampled_from(["", "", "", "/below"])),
        "SERVER_NAME": "server",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": draw(st.sampled_from(["http", "https"])),
        "wsgi.input": body,
        "wsgi.errors": io.StringIO(),
    }
    more = {
        "HTTP_HOST": draw(HOSTS),
        "CONTENT_LENGTH": None if length is None else str(length),
        "CONTENT_TYPE": draw(st.sampled_from([None, "text/plain", "application/x-www-form-urlencoded"])),
        "HTTP_TRANSFER_ENCODING": draw(st.sampled_from([None, None, "chunked"])),
        "HTTP_UPGRADE": draw(st.sampled_from([None, None, "websocket"])),
        "HTTP_CONNECTION": draw(st.sampled_from([None, "upgrade"])),
    }
    return environ | {name: value for name, value in more.items() if value is not None}


def answered(app: Flask, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    sent = environ | {"wsgi.input": io.BytesIO(environ["wsgi.input"])}
    pieces, status, headers = run_wsgi_app(app, sent)
    return status, sorted(headers), b"".join(pieces)


@given(environs())
def test_the_same_is_answered_however_often_it_is_asked(environ: dict[str, Any]) -> None:
    lean, plain = APPS
    expected = answered(plain, environ)
    assert [answered(lean, environ) for _ in range(2)] == [expected] * 2


def test_names_that_clients_choose_do_not_pile_up() -> None:
    app = made(LeanFlask)
    client = app.test_client()
    for number in range(2, 300):
        assert client.get("/constant", headers={"Host": f"{number}.example"}).status_code == 201
        assert client.get(f"/item/{number}").status_code == 201
    assert len(app._adapters) <= 100
    assert len(app.constant_rules) == 0


def test_what_is_asked_again_is_not_looked_up_again() -> None:
    app = made(LeanFlask)
    client = app.test_client()
    for _ in range(3):
        assert client.get("/part/inside").status_code == 299
    assert list(app.constant_rules) == [("GET", "/part/inside")]
