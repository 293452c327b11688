"""The polling helper says what it waited for and what it last saw."""

import socket

import pytest

from tests.support.ports import accepts_connections, free_port
from tests.support.waiting import wait_until


def test_returns_the_first_true_answer() -> None:
    answers = iter([0, "", "ready", "later"])
    assert wait_until(lambda: next(answers), 5, "an answer") == "ready"


def test_names_what_it_waited_for_and_the_last_answer() -> None:
    with pytest.raises(TimeoutError, match=r"Waited 0\.1 s for the queue to drain; last seen: \[\]"):
        wait_until(lambda: [], 0.1, "the queue to drain")


def test_not_yet_judgeable_counts_as_not_yet() -> None:
    port = free_port()
    with pytest.raises(TimeoutError, match="ConnectionRefusedError"):
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)), 0.1, "a server")


def test_free_ports_differ_and_are_free() -> None:
    ports = {free_port() for _ in range(20)}
    assert len(ports) == 20
    assert not any(accepts_connections(port) for port in ports)
