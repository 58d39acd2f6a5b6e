"""How PostgreSQL's own programs, psql and pg_dump, connect to a connection string without showing it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from glue.dsn import WrongDsn, parse

SERVICE = "glue"


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
