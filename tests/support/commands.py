"""The `medtown` command run inside the test's process: its answer, its refusal and its exit code; and what
its tools are connected to.
"""

import io
import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest import mock

from deploy import cli
from deploy.connect import Connection, connect
from shared import config as configuration


class Done(NamedTuple):
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line with which it was refused."""
        assert self.code == 2, self
        [line] = self.err.splitlines()
        assert line.startswith("medtown: "), self
        return line.removeprefix("medtown: ")


def medtown(*arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> Done:
    """Run `medtown` with these arguments, and of the MEDTOWN_ variables with these alone."""
    out, err = io.StringIO(), io.StringIO()
    with _as_process(environment or {}, arguments, stdin), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())


@contextmanager
def _as_process(environment: Mapping[str, str], arguments: tuple[str, ...], stdin: str) -> Iterator[None]:
    """Whatever a process has of its own, as it was before once the block ends."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEDTOWN_")}
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with (
        mock.patch.dict(os.environ, {**inherited, **environment}, clear=True),
        mock.patch.object(sys, "argv", ["medtown", *arguments]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
    ):
        try:
            yield
        finally:
            root.handlers = handlers
            root.setLevel(level)
            for number, handler in signals.items():
                signal.signal(number, handler)


@contextmanager
def connected(environment: Mapping[str, str]) -> Iterator[Connection]:
    """What the operator's tools have: a connection to the services, which run here where no server does."""
    with _as_process(environment, (), ""), connect(configuration.load()) as connection:
        yield connection
