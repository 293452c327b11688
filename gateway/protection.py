"""What protects readers: security headers, no foreign page acting with our cookie, no body beyond its
limit.
"""

from flask import Flask, Response, g, request

from gateway.wiring import is_https, public_url
from shared.contracts.errors import Refusal

BODY_LIMIT_BYTES = 64 * 1024
FORM_PARTS_LIMIT = 100
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'"
)
API_PAGE_POLICY = POLICY + "; style-src 'self' 'unsafe-inline'"
"""The browsable page of the API sets styles from its script."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
TRANSPORT_SECURITY = "max-age=31536000"


def register(app: Flask) -> None:
    """Check every request and dress every answer."""
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = BODY_LIMIT_BYTES
    app.config["MAX_FORM_PARTS"] = FORM_PARTS_LIMIT
    app.before_request(refuse_foreign_origin)
    app.after_request(add_headers)


def refuse_foreign_origin() -> None:
    """Refuse a change that a page of another site asks for.

    Browsers say where a request comes from and attach cookies by themselves; programs that send a bearer
    token do neither, so a request with a token, or without either header, is no forgery.
    """
    if request.method in SAFE_METHODS or "Authorization" in request.headers:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Refusal("wrong-origin")
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin not in (public_url(), request.host_url.rstrip("/")):
        raise Refusal("wrong-origin")


def add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if is_https():
        headers.setdefault("Strict-Transport-Security", TRANSPORT_SECURITY)
    if "Cache-Control" not in headers:
        # Whatever depends on who asks stays out of shared caches and of the disk.
        headers["Cache-Control"] = "no-store" if "signed_in" in g else "no-cache"
    return response
