"""The private PostgreSQL works, survives stop and kill with its data, and can be given by URL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from tests.support.cluster import URL_VARIABLE, PrivateCluster


@pytest.fixture(scope="module")
def own_cluster(request: pytest.FixtureRequest) -> Iterator[PrivateCluster]:
    """A cluster that these tests may stop and kill."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with PrivateCluster() as cluster:
        yield cluster
    monkeypatch.undo()
    assert cluster.processes() == []


def run(url: str, statement: str) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()


def test_commits_are_durable_by_default(own_cluster: PrivateCluster) -> None:
    url = own_cluster.url("postgres")
    assert [run(url, f"SHOW {name}") for name in ("fsync", "synchronous_commit")] == ["on", "on"]


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_data_survive(own_cluster: PrivateCluster, ending: str) -> None:
    url = own_cluster.create_database(f"survives_{ending}")
    run(url, "CREATE TABLE kept AS SELECT 7 AS value")
    getattr(own_cluster, ending)()
    assert own_cluster.processes() == []
    own_cluster.start()
    assert run(url, "SELECT value FROM kept") == 7


def test_a_role_owns_its_database_and_no_other(own_cluster: PrivateCluster) -> None:
    other = own_cluster.create_database("others")
    run(other, "CREATE TABLE secret (id integer)")
    own_cluster.create_role("writer")
    own = own_cluster.create_database("own", owner="writer")
    run(own, "CREATE TABLE mine (id integer)")
    with pytest.raises(ProgrammingError, match="permission denied"):
        run(own_cluster.url("others", role="writer"), "SELECT * FROM secret")


def test_a_given_server_is_left_as_it_was(
    own_cluster: PrivateCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, own_cluster.url("postgres"))
    count = "SELECT (SELECT count(*) FROM pg_database) + (SELECT count(*) FROM pg_roles)"
    before = run(own_cluster.url("postgres"), count)
    with PrivateCluster() as given:
        given.create_role("reader")
        url = given.create_database("ledger", owner="reader")
        assert run(url, "SELECT 1") == 1
        assert given.url("ledger", role="reader") == url
        with pytest.raises(RuntimeError, match=URL_VARIABLE):
            given.stop()
    assert run(own_cluster.url("postgres"), count) == before
