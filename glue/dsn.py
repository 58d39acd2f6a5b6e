"""Connection strings: what may be said of one.

A password that is not encoded as a URI wants it (`p@ss`, `p/ss`) is cut apart: a piece of it becomes host, port or
database, and libpq's messages print those. So what a message quotes is looked at first.
"""

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from glue.errors import GlueError

EXAMPLE = "postgresql://user@host/database"
# What each of these looks like that messages quote. Whatever does not, may be a piece of a password.
LOOKS = {
    "host": r"[@/]?[\w.,:/%~+-]*",
    "hostaddr": r"[\w.,:/%-]*",
    "port": r"[0-9,]*",
    "user": r"[^:/?#&;=\s]*",
    "dbname": r"[^@:/?#&;=\s]*",
    "options": r"(?!.*pass)[^;&]*",
}
OTHERS = r"[^@;&=\s]*"


class WrongDsn(GlueError):
    """A connection string that cannot be one; its message quotes nothing of it."""


def parse(dsn: str) -> dict[str, str]:
    """Return a connection string's options. Raises WrongDsn."""
    try:
        return {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    except psycopg.ProgrammingError:
        # libpq's message quotes the string, password and all.
        raise WrongDsn(f"WAREHOUSE_DSN is not a connection string; try {EXAMPLE}") from None


def why(error: psycopg.Error, dsn: str) -> str:
    """Return why a connection failed, in libpq's words if none of them can be a piece of a password."""
    settings = parse(dsn)
    secret = _secrets()
    odd = [
        name
        for name, value in settings.items()
        if name not in secret and not re.fullmatch(LOOKS.get(name, OTHERS), value)
    ]
    if odd or dsn.count("@") > 1:
        return (
            f"WAREHOUSE_DSN has a {' and a '.join(odd) or 'host'} that may be a piece of a password, so nothing of it "
            f"is shown: in a URI like {EXAMPLE} write @ : / ? # % of a password as %40 %3A %2F %3F %23 %25"
        )
    text = str(error)
    for name in secret & settings.keys():
        text = text.replace(settings[name], "***") if settings[name] else text
    return text


def _secrets() -> set[str]:
    """Return the options that hold secrets: libpq marks those that it shows as stars."""
    return {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults() if option.dispchar == b"*"} | {
        "password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret",
    }  # fmt: skip
