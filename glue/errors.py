"""What can go wrong, in words for the person who has to do something about it."""

import psycopg
from psycopg import errors

# What a query says in a database that has not been migrated.
NOT_MIGRATED = (errors.UndefinedFunction, errors.UndefinedTable, errors.InvalidSchemaName)


class GlueError(Exception):
    """Something a person has to look at; the message says what, where, and what to do."""


class MissingSetting(GlueError):
    """An environment variable that this command needs is not set (exit code 2)."""


class Refused(Exception):
    """A whole delivery cannot be taken; the message is the reason with its place. Nothing of it is loaded."""


def explain(error: BaseException) -> str:
    """Return what an error says, for PostgreSQL's with SQLSTATE, DETAIL and HINT on lines of their own."""
    if not isinstance(error, psycopg.Error) or not error.diag.message_primary:
        return str(error).strip() or type(error).__name__
    lines = [f"{error.diag.message_primary} ({error.sqlstate})"]
    if error.diag.message_detail:
        lines.append(f"DETAIL: {error.diag.message_detail}")
    if error.diag.message_hint:
        lines.append(f"HINT: {error.diag.message_hint}")
    if isinstance(error, NOT_MIGRATED):
        lines.append("HINT: Is this database a warehouse of this release? warehouse migrate")
    return "\n".join(lines)
