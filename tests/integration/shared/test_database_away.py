"""A database that is away is told as such: `service-unavailable`, or `outcome-unknown` where it went away
while it committed. Mistakes of ours stay `internal-error`.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from shared.auth.tokens import Verifier
from shared.contracts import clock
from shared.db.engine import Database
from shared.messaging.dispatch import Dispatcher
from shared.messaging.service import Call, Request, Service
from tests.support.cluster import PrivateCluster
from tests.support.cutting import CuttingProxy
from tests.support.ports import free_port

NAME = "store"
ADD = "INSERT INTO goods VALUES (1)"


def read(database: Database, request: Request) -> int:
    with database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM goods")).scalar_one())


def add(database: Database, request: Request) -> None:
    with database.write() as connection:
        connection.execute(text(ADD))


def killed_while_reading(database: Database, request: Request) -> None:
    with database.read() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def killed_while_writing(database: Database, request: Request) -> None:
    with database.write() as connection:
        connection.execute(text(ADD))
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def mistaken(database: Database, request: Request) -> None:
    with database.read() as connection:
        connection.execute(text("SELECT 1 FROM nowhere"))


HANDLERS = (read, add, killed_while_reading, killed_while_writing, mistaken)
Ask = Callable[[Database, Callable[..., Any]], dict[str, Any]]


@pytest.fixture
def ask() -> Ask:
    """The reply to a call whose handler works with a database."""
    service = Service(NAME, calls={each.__name__: Call(each, None, open_to_all=True) for each in HANDLERS})

    def answer(database: Database, handler: Callable[..., Any]) -> dict[str, Any]:
        dispatcher = Dispatcher(service, database, Verifier(NAME, {}))
        return dispatcher.handle(handler.__name__, {"not_after": clock.deadline(60)})

    return answer


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as made:
        with made.write() as connection:
            connection.execute(text("CREATE TABLE goods (id INTEGER)"))
        yield made


def refused_as(reply: dict[str, Any]) -> str:
    return str(reply["refusal"]["slug"])


def test_a_mistake_is_an_error_inside(ask: Ask, database: Database) -> None:
    assert refused_as(ask(database, mistaken)) == "internal-error"
    assert ask(database, read) == {"result": 0}


@pytest.mark.distributed
def test_a_server_that_is_away_is_told(ask: Ask) -> None:
    with closing(Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")) as database:
        reply = ask(database, read)
        assert refused_as(reply) == "service-unavailable"
        assert reply["refusal"]["parameters"] == {"service": NAME}
        assert refused_as(ask(database, add)) == "service-unavailable"


@pytest.mark.distributed
@pytest.mark.parametrize("database_url", ["distributed"], indirect=True)
@pytest.mark.parametrize("handler", [killed_while_reading, killed_while_writing])
def test_a_connection_that_is_ended_is_told_and_nothing_was_done(
    ask: Ask, database: Database, handler: Callable[..., Any]
) -> None:
    assert refused_as(ask(database, handler)) == "service-unavailable"
    assert ask(database, read) == {"result": 0}


@pytest.mark.distributed
@pytest.mark.parametrize("answered", [False, True])
def test_a_cut_during_the_commit_leaves_the_outcome_open(
    ask: Ask, cluster: PrivateCluster, answered: bool
) -> None:
    name = f"cut_{answered}".lower()
    url = cluster.create_database(name)
    port = urlsplit(url).port
    assert port is not None
    with CuttingProxy(port) as proxy, closing(Database(url)) as direct:
        with direct.write() as connection:
            connection.execute(text("CREATE TABLE goods (id INTEGER)"))
        with closing(Database(url.replace(f":{port}/", f":{proxy.port}/"))) as database:
            # Before anything was read: then a transaction's beginning would say READ COMMITTED.
            proxy.cut_at(b"COMMIT", answered=answered)
            assert refused_as(ask(database, add)) == "outcome-unknown"
            assert proxy.cuts == 1
            # The next one has a new connection.
            assert ask(database, read) == {"result": int(answered)}
    cluster.drop_database(name)


@pytest.mark.embedded
def test_a_file_that_cannot_be_opened_is_told(ask: Ask, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/nowhere/store.sqlite3")) as database:
        assert refused_as(ask(database, read)) == "service-unavailable"
