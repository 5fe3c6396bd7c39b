"""Databases by URL: SQLite, whose writers take turns, and PostgreSQL, whose writers lock a student's row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, select
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from grader.errors import UsageError
from grader.gradebook.tables import METADATA, SCHEMA, VERSION

WAIT_S = 120.0
"""How long a writer waits for others before it gives up, in seconds."""

_SQLITE_LOCK = "BEGIN IMMEDIATE"
# One number for all graders: whoever makes the tables holds this lock of the database.
_POSTGRESQL_LOCK = "SELECT pg_advisory_xact_lock(728133905)"


def connect(url: str) -> Engine:
    """The database at `url`, with the gradebook's tables in it.

    Raises UsageError where it cannot be reached, has no driver, or holds a gradebook of another version.
    """
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        engine = create_engine(parsed, connect_args={"timeout": WAIT_S} if sqlite else {})
        if sqlite:
            _let_writers_take_turns(engine)
        _prepare(engine, sqlite)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(
            f"{_shown(url)} is not the URL of a database that can be used ({_first_line(error)})",
            remedy="Give one like sqlite:///grades.db or postgresql+psycopg://user@host/name "
            "(pip install 'grade-dl[postgresql]')",
        ) from error
    except SQLAlchemyError as error:
        raise unusable(url, error) from error
    return engine


def unusable(url: str, error: SQLAlchemyError) -> UsageError:
    """What is said of a database that fails, without the password in its URL."""
    return UsageError(f"the gradebook at {_shown(url)} cannot be used ({_first_line(error)})")


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "what was given"


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0]


def _let_writers_take_turns(engine: Engine) -> None:
    """Every transaction begins with the lock for writing: none has to be given up half-way for another's sake."""

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(_SQLITE_LOCK)


def _prepare(engine: Engine, sqlite: bool) -> None:
    with engine.begin() as connection:
        if not sqlite:
            connection.exec_driver_sql(_POSTGRESQL_LOCK)
        METADATA.create_all(connection)
        version = connection.execute(select(VERSION.c.version)).scalar()
        if version is None:
            connection.execute(insert(VERSION).values(version=SCHEMA))
        elif version != SCHEMA:
            raise UsageError(
                f"the gradebook is of version {version}, and this grader writes {SCHEMA}",
                remedy="Use the grader that made it, or another database",
            )


@contextmanager
def tolerating_a_rival(connection: Connection) -> Iterator[None]:
    """Lets an insertion fail because another writer made the same row first."""
    try:
        with connection.begin_nested():
            yield
    except IntegrityError:
        return
