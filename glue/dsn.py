"""Connection strings: what may be said of one, and what becomes of one for psql and pg_dump.

A password that is not encoded as a URI wants it (`p@ss`, `p/ss`) is cut apart: a piece of it becomes host, port or
database, and libpq's messages print those. So what a message quotes is looked at first.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from glue.errors import GlueError

SERVICE = "glue"
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


@contextmanager
def for_program(dsn: str) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """Yield the environment in which psql or pg_dump connects to a DSN, and the descriptors that it has to inherit.

    Everybody can read a program's arguments, so nothing is there. Most options have a variable; for others there is
    a service file, in a file that has no name. Raises WrongDsn.
    """
    settings = parse(dsn)
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in psycopg.pq.Conninfo.get_defaults()
        if option.envvar
    }
    environment = os.environ | {variables[name]: value for name, value in settings.items() if name in variables}
    rest = {name: value for name, value in settings.items() if name not in variables}
    if not rest:
        yield environment, ()
        return
    if environment.get("PGSERVICE"):
        raise WrongDsn(f"{', '.join(sorted(rest))}: an option for the service file, since a service is named")
    if any("\n" in value for value in rest.values()):
        raise WrongDsn(f"{', '.join(sorted(rest))}: a value of several lines")
    with tempfile.TemporaryFile() as file:
        lines = [f"[{SERVICE}]", *(f"{name}={value}" for name, value in rest.items())]
        file.write("\n".join([*lines, ""]).encode())
        file.flush()
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        environment |= {"PGSERVICE": SERVICE, "PGSERVICEFILE": f"/dev/fd/{file.fileno()}"}
        yield environment, (file.fileno(),)


def _secrets() -> set[str]:
    """Return the options that hold secrets: libpq marks those that it shows as stars."""
    return {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults() if option.dispchar == b"*"} | {
        "password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret",
    }  # fmt: skip
