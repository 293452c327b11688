"""Refusals of the `medtown` command: one clear line on standard error, and exit code 2 (3 where the ledger's
writer has ended).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from deploy.datafolder import DataFolderBusy
from shared.config import ConfigError
from shared.contracts.errors import Refusal

EXIT_REFUSED = 2
EXIT_WRITER_ENDED = 3
EXIT_INTERRUPTED = 130


class CommandRefused(Exception):
    """The command cannot be carried out; the message says why and what would help."""


class WriterEnded(Exception):
    """The ledger's writer has ended by itself, so that no payment is taken any more."""

    def __init__(self) -> None:
        super().__init__("the ledger's writer has ended, as the log says: start it again")


@contextmanager
def as_one_line() -> Iterator[None]:
    """Turn every refusal inside the block into one line and the exit code."""
    try:
        yield
    except click.exceptions.Exit as stop:
        raise SystemExit(stop.exit_code) from None
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        raise SystemExit(EXIT_REFUSED) from None
    except (click.exceptions.Abort, KeyboardInterrupt):
        print("medtown: stopped", file=sys.stderr)
        raise SystemExit(EXIT_INTERRUPTED) from None
    except click.ClickException as error:
        _refuse(error.format_message())
    except Refusal as refusal:
        faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in refusal.faults)
        _refuse(f"{refusal.detail} {faults}".strip())
    except (ConfigError, CommandRefused, DataFolderBusy) as error:
        _refuse(str(error))
    except WriterEnded as error:
        _refuse(str(error), EXIT_WRITER_ENDED)
    except OSError as error:
        if error.filename is None:
            raise
        _refuse(f"{error.filename}: {error.strerror}")
    except Exception as error:
        line = _of_the_database(error)
        if line is None:
            raise
        _refuse(line)


def _of_the_database(error: Exception) -> str | None:
    """What a database that is away or wrongly addressed says; None for any other error."""
    # Loaded long since where the error comes from it, and not worth loading where it does not.
    sqlalchemy = sys.modules.get("sqlalchemy.exc")
    if sqlalchemy is None:
        return None
    if isinstance(error, sqlalchemy.OperationalError) or type(error) is sqlalchemy.DatabaseError:
        return f"the database refuses: {getattr(error, 'orig', error)}"
    if isinstance(error, sqlalchemy.ArgumentError):
        return f"MEDTOWN_DATABASE_URL is no address of a database: {error}"
    return None


def _refuse(line: str, code: int = EXIT_REFUSED) -> NoReturn:
    print(f"medtown: {' '.join(line.split())}", file=sys.stderr)
    raise SystemExit(code) from None
