"""Answers that are sent on while they are made."""

from collections.abc import Iterator

from flask import Response, stream_with_context

from shared.observability import trace


def streamed(pieces: Iterator[bytes], content_type: str) -> Response:
    """An answer of pieces that are made in the request's context and trace, which would else have ended."""
    parent = trace.traceparent()

    def inside() -> Iterator[bytes]:
        with trace.continued(parent):
            yield from pieces

    return Response(stream_with_context(inside()), content_type=content_type)
