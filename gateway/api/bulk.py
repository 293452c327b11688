"""The lines of a bulk upload: read, sent on and answered in chunks.

While the ledger decides one chunk, the next is read and the answers of the one before are written. A line
that was accepted is answered with the ledger's own words: its view is never taken apart here.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.api.reading import Reader
from shared.contracts import quick_transfers
from shared.contracts.commands import WRITER_BATCH_LIMIT, SentOutcome, Transfer
from shared.contracts.errors import Refusal
from shared.contracts.ledger_inputs import TransferInput

ProblemWriter = Callable[[Refusal, str | None], dict[str, Any]]
"""Makes the problem+json object of a refusal, and of which transfer, where the line could be read."""

_Read = Sequence[Transfer | Refusal]

_reader = Reader(TransferInput)
_encode = msgspec.json.Encoder().encode


class Upload:
    """The lines of one request, chunk by chunk."""

    def __init__(self, lines: Sequence[bytes], problem: ProblemWriter) -> None:
        self._lines = lines
        self._problem = problem
        self._chunks: list[_Read] = []
        """What has been read, the first of it that has not been answered first."""

    def commands(self) -> Iterator[Sequence[Transfer]]:
        """The transfers that could be read, chunk by chunk."""
        for start in range(0, len(self._lines), WRITER_BATCH_LIMIT):
            chunk = _read(self._lines[start : start + WRITER_BATCH_LIMIT])
            self._chunks.append(chunk)
            yield [command for command in chunk if isinstance(command, Transfer)]

    def answers(self, outcomes: Iterator[Sequence[SentOutcome]]) -> Iterator[bytes]:
        """The lines that answer, in pieces of a chunk each; `outcomes` are those of `commands`."""
        number = 1
        for decided in outcomes:
            chunk = self._chunks.pop(0)
            yield b"".join(self._answers(number, chunk, iter(decided)))
            number += len(chunk)

    def _answers(self, number: int, chunk: _Read, outcomes: Iterator[SentOutcome]) -> Iterator[bytes]:
        for line, command in enumerate(chunk, number):
            if isinstance(command, Refusal):
                yield self._refused(line, command, None)
                continue
            outcome = next(outcomes)
            if outcome.refusal is not None:
                yield self._refused(line, Refusal.from_wire(outcome.refusal), command.id)
            else:
                status = 200 if outcome.replayed else 201
                yield b'{"line":%d,"status":%d,"transfer":%b}\n' % (line, status, outcome.view)

    def _refused(self, line: int, refusal: Refusal, transfer: str | None) -> bytes:
        problem = self._problem(refusal, transfer)
        return _encode({"line": line, "status": problem["status"], "problem": problem}) + b"\n"


def _read(lines: Sequence[bytes]) -> _Read:
    quick = quick_transfers.read_lines(lines)
    return [
        _read_line(line) if transfer is None else transfer
        for line, transfer in zip(lines, quick, strict=True)
    ]


def _read_line(line: bytes) -> Transfer | Refusal:
    try:
        return _reader.read(line).to_command()
    except Refusal as refusal:
        # Without its traceback, which would keep all that was at hand where it was raised, for every line.
        return Refusal(refusal.slug, refusal.faults, **refusal.parameters)
