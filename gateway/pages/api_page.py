"""The browsable page of the API."""

from flask import Blueprint, Response, make_response, render_template

from gateway.edge import API_PAGE_POLICY

pages = Blueprint("api_page", __name__)


@pages.get("/api/", strict_slashes=False)
def show() -> Response:
    answer = make_response(render_template("api.html"))
    answer.headers["Content-Security-Policy"] = API_PAGE_POLICY
    return answer
