"""Frames on a Unix socket: a length of four bytes, most significant first, then so many bytes of JSON.

A request is `{"service": ..., "method": ..., "message": {...}}`, its answer the reply of
`shared.messaging.dispatch`. A connection carries one request at a time.
"""

import socket
import struct
from typing import Any

import msgspec

MAX_FRAME_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 256 * 1024

_HEADER = struct.Struct(">I")


class FrameTooLarge(Exception):
    """A frame has more than `MAX_FRAME_BYTES`; after it a connection cannot be read on."""


class SocketRequest(msgspec.Struct, frozen=True):
    """A call that came over the socket."""

    service: str
    method: str
    message: dict[str, Any]


def write_frame(connection: socket.socket, body: bytes) -> None:
    """Send one frame. Raises FrameTooLarge (nothing was sent), TimeoutError, OSError."""
    if len(body) > MAX_FRAME_BYTES:
        raise FrameTooLarge
    connection.sendall(_HEADER.pack(len(body)) + body)


def read_frame(connection: socket.socket) -> bytes | None:
    """The next frame, or None where the other side has closed the connection between two frames.

    Raises FrameTooLarge, TimeoutError, and OSError (ConnectionError also where it was closed within a frame).
    """
    header = _read(connection, _HEADER.size, may_end=True)
    if header is None:
        return None
    (length,) = _HEADER.unpack(header)
    if length > MAX_FRAME_BYTES:
        raise FrameTooLarge
    return _read(connection, length)


def _read(connection: socket.socket, length: int, *, may_end: bool = False) -> bytes | None:
    body = bytearray()
    while len(body) < length:
        # Memory is taken as bytes arrive, not on the word of the header.
        chunk = connection.recv(min(CHUNK_BYTES, length - len(body)))
        if not chunk:
            if may_end and not body:
                return None
            raise ConnectionError("the connection ended within a frame")
        body += chunk
    return bytes(body)
