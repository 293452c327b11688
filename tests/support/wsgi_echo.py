"""A small application to try servers with: tells what it was asked, in the ways an application can answer."""

import io
import json
from collections.abc import Iterable
from typing import Any

TOLD = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "CONTENT_TYPE", "CONTENT_LENGTH")
TEXT = ("Content-Type", "text/plain")


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers by the path."""
    match environ["PATH_INFO"]:
        case "/pieces":
            start_response("200 OK", [TEXT])
            return iter((b"one ", b"", b"two"))
        case "/written":
            start_response("200 OK", [TEXT, ("Content-Length", "7")])(b"one ")
            return [b"two"]
        case "/file":
            start_response("200 OK", [TEXT, ("Content-Length", "4")])
            return environ["wsgi.file_wrapper"](io.BytesIO(b"file"))
        case "/nothing":
            start_response("204 NO CONTENT", [])
            return []
        case "/short":
            start_response("200 OK", [TEXT, ("Content-Length", "9")])
            return [b"five."]
        case "/long":
            start_response("200 OK", [TEXT, ("Content-Length", "4")])
            return [b"five."]
        case "/large":
            start_response("200 OK", [TEXT, ("Content-Length", "300000")])
            return [b"x" * 100_000] * 3
        case "/split":
            start_response("200 OK", [("X-Note", "a\r\nSet-Cookie: evil=1"), ("Content-Length", "0")])
            return [b""]
        case "/hop":
            start_response("200 OK", [("Connection", "close"), ("X-Note", " a "), ("Content-Length", "0")])
            return [b""]
        case "/server":
            body = b"gunicorn" if "gunicorn.socket" in environ else b"ours"
            start_response("200 OK", [TEXT, ("Content-Length", str(len(body)))])
            return [body]
        case "/fault":
            raise RuntimeError("this application fails")
        case "/fault/late":
            return _failing(start_response)
    return _echo(environ, start_response)


def _failing(start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [TEXT])
    yield b"begun"
    raise RuntimeError("this application fails late")


def _echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    told = {name: environ.get(name) for name in TOLD}
    told |= {
        name: value for name, value in environ.items() if name.startswith("HTTP_") and name != "HTTP_HOST"
    }
    told["body"] = environ["wsgi.input"].read().decode()
    body = json.dumps(told, sort_keys=True).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
