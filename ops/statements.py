"""What migrations do their work with: statements and files of SQL, in the transaction of alembic's connection."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from glue.errors import GlueError

PROJECT = Path(__file__).resolve().parent.parent
PRIVILEGES = "privileges.sql"
OWNER = "warehouse_owner"
# Every name in our files says its schema; what is found only through a search path is a mistake.
NO_SEARCH_PATH = "SET LOCAL search_path = pg_catalog, pg_temp"


class MigrationError(GlueError):
    """The database could not be migrated, and is as it was. The message names the file and line."""


def run_sql(
    connection: Connection,
    path: Path,
    *,
    role: str | None = None,
    change: Callable[[str], str] = str,
) -> None:
    """Run a file of SQL statements in the open transaction, as `role` if given, with what `change` makes of its text.

    Raises MigrationError, with file and line.
    """
    text = change(path.read_text(encoding="utf-8"))
    if not text.strip():
        return
    # In one message, since there are hundreds of files. What is set for it stands before its first line, so that the
    # lines of errors are the file's; it may have set either for itself, so both are set anew after it.
    text = f"SET LOCAL ROLE {role}; {text}" if role else text
    try:
        # Without parameters psycopg uses the simple protocol, which takes many statements at a time.
        connection.exec_driver_sql(
            f"{text}\n;\nRESET ROLE; {NO_SEARCH_PATH}", execution_options={"no_parameters": True}
        )
    except DBAPIError as error:
        raise MigrationError(_explain(error.orig, text, path)) from error.orig


def execute(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
    """Run a statement and return SQLAlchemy's result."""
    return connection.exec_driver_sql(statement, parameters)


def value(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
    """Return the first value of a statement's first row, None without rows."""
    return execute(connection, statement, parameters).scalar()


def _explain(error: BaseException | None, text: str, path: Path) -> str:
    """Build the message of a failed file: place, what PostgreSQL said, and its detail, hint and context."""
    shown = path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
    if not isinstance(error, psycopg.Error):
        return f"{shown}: {error}"
    diag = error.diag
    line = text.count("\n", 0, int(diag.statement_position) - 1) + 1 if diag.statement_position else None
    place = f"{shown}:{line}" if line else str(shown)
    parts = [f"{place}: {diag.message_primary or error} ({diag.sqlstate})"]
    for name, value in [("DETAIL", diag.message_detail), ("HINT", diag.message_hint), ("CONTEXT", diag.context)]:
        if value:
            parts.append(f"{name}: {value}")
    return "\n".join(parts)
