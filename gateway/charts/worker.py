"""The process that draws charts: Vega-Lite specifications in, SVG out. Run by its path: it needs nothing of
ours.

A message either way is four bytes of length (big endian) and JSON: in a list of specifications, out a list
of SVG texts, or an object with the error. It ends with its standard input.
"""

import json
import struct
import sys
from typing import IO

VERSION = "5.20"
"""The Vega-Lite that specifications are written for."""


def main() -> None:
    """Draw until the input ends."""
    # Imported here: the parent takes only the framing from this file, and not the library's 100 MB.
    import vl_convert

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (message := read(source)) is not None:
        try:
            answer: object = [
                vl_convert.vegalite_to_svg(spec, vl_version=VERSION) for spec in json.loads(message)
            ]
        except ValueError as error:
            answer = {"error": str(error)}
        write(sink, json.dumps(answer).encode())


def read(source: IO[bytes]) -> bytes | None:
    """The next message; None where the other side has ended."""
    head = source.read(4)
    if len(head) < 4:
        return None
    (size,) = struct.unpack(">I", head)
    body = source.read(size)
    return body if len(body) == size else None


def write(sink: IO[bytes], body: bytes) -> None:
    """Send a message."""
    sink.write(struct.pack(">I", len(body)) + body)
    sink.flush()


if __name__ == "__main__":
    main()
