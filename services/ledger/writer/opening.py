"""Which store a database's URL asks for."""

from sqlalchemy.engine import make_url

from services.ledger.writer.store import Store


def open_store(database_url: str) -> Store:
    """The writer's store, not connected yet. `database_url` is as SQLAlchemy writes it."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        from services.ledger.writer.store_sqlite import SqliteStore

        assert url.database is not None
        return SqliteStore(url.database)
    from services.ledger.writer.store_postgres import PostgresStore

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return PostgresStore(plain)
