"""Tables as CSV (RFC 4180, UTF-8), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, request

from gateway.streaming import streamed

CONTENT_TYPE = "text/csv; charset=utf-8"
ROWS_PER_PIECE = 200

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text(value: str) -> str:
    """A text that somebody else wrote: a spreadsheet must not take it for a formula."""
    return "'" + value if value.startswith(_FORMULA) else value


def wanted() -> bool:
    """Whether the request asks for CSV by its Accept header rather than for JSON."""
    return request.accept_mimetypes.best_match(("application/json", "text/csv")) == "text/csv"


def response(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV download of this name; `rows` are taken as they come."""
    answer = streamed(_pieces(columns, rows), CONTENT_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _pieces(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    piece = io.StringIO(newline="")
    writer = csv.writer(piece, lineterminator="\r\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow(row)
        if number % ROWS_PER_PIECE == 0:
            yield piece.getvalue().encode()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue().encode()
