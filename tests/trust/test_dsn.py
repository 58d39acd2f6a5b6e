"""However a connection string is mistyped, no piece of a password is in a message; every option of libpq is taken."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from glue.connection import connect
from ops.backup import dump
from ops.programs import for_program
from tests.conftest import Warehouse

# Connection strings are read by the libpq that psycopg brings, whatever server answers.
pytestmark = pytest.mark.once

PROJECT = Path(__file__).parents[2]
# The password is made of the words hush and s3cret; nothing of either may be seen. No name needs a name server.
MISTYPED = (
    "postgresql://u:hush@s3cret@127.0.0.1:1/x",
    "postgresql://u:hush@s3cret@nowhere.invalid/x",
    "postgresql://u:hush/s3cret@127.0.0.1/x",
    "postgresql://u:hush:s3cret@127.0.0.1:1/x",
    "postgresql://u:hush?s3cret@127.0.0.1:1/x",
    "postgresql://u:hush#s3cret@127.0.0.1:1/x",
    "postgresql://u:hush%s3cret@127.0.0.1:1/x",
    "postgresql://u:hush s3cret@127.0.0.1:1/x",
    "postgresql://u:hush[s3cret@127.0.0.1:1/x",
    "postgresql://u:hush]@s3cret/127.0.0.1:1/x",
    "postgresql://127.0.0.1:hush-s3cret",
    "postgresql://127.0.0.1:1/x&password=hush-s3cret",
    "postgresql://127.0.0.1:1/x?sslmode=require;password=hush-s3cret",
    "postgresql://127.0.0.1:1/x?options=-c%20password=hush-s3cret",
    "postgres//u:hush-s3cret@127.0.0.1/x",
    " postgresql://u:hush=s3cret@127.0.0.1/x",
    "host=127.0.0.1;port=1;password=hush-s3cret",
    "host=127.0.0.1,password=hush-s3cret",
    "host=127.0.0.1 port=1 password=hush s3cret",
    "host=127.0.0.1 port=1 password=hush s3cret=x",
    "host=127.0.0.1 port=1 password='hush s3cret",
    "host=127.0.0.1 port=1 dbname=x&password=hush-s3cret",
    "host=127.0.0.1 port=1;password=hush-s3cret",
    "host=127.0.0.1 port=1 sslpassword=hush-s3cret password=hush-s3cret",
)
COMMANDS = (["glue", "status"], ["glue", "migrate"], ["glue", "db", "psql", "-c", ""], ["ops.backup", "dump"])


@pytest.mark.parametrize("dsn", MISTYPED)
def test_no_piece_of_a_password_is_in_an_error(dsn: str) -> None:
    with pytest.raises(Exception, match=r"WAREHOUSE_DSN|cannot connect") as caught:
        connect(dsn)
    seen: BaseException | None = caught.value
    while seen:
        assert "hush" not in str(seen)
        assert "s3cret" not in str(seen)
        seen = None if seen.__suppress_context__ else seen.__cause__ or seen.__context__


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[1])
def test_no_command_prints_a_piece_of_it(command: list[str], tmp_path: Path) -> None:
    for dsn in (MISTYPED[0], MISTYPED[2], MISTYPED[15]):
        if command[1:3] == ["db", "psql"] and dsn != MISTYPED[15]:
            continue  # what can be parsed is psql's to say
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=os.environ | {"WAREHOUSE_DSN": dsn, "BACKUP_DIR": str(tmp_path)},
            capture_output=True, text=True, cwd=PROJECT, check=False,
        )  # fmt: skip
        assert done.returncode in (1, 2), done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "hush" not in done.stdout + done.stderr
        assert "s3cret" not in done.stdout + done.stderr


def test_what_is_well_typed_is_said_in_libpqs_words() -> None:
    with pytest.raises(Exception, match="Connection refused"):
        connect("postgresql://user%40tenant:p%40ss@127.0.0.1:1/my-database?connect_timeout=2")


def options_of_libpq() -> dict[str, str]:
    """Return every option of libpq with a value that it takes."""
    values = {
        "keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
        "tcp_user_timeout": "5000", "fallback_application_name": "x y=z", "sslpassword": "s3cret",
        "connect_timeout": "9",
        "application_name": "it's", "gssencmode": "disable", "sslmode": "prefer", "target_session_attrs": "any",
        "sslcompression": "0", "sslsni": "1", "channel_binding": "prefer",
    }  # fmt: skip
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    return {name: value for name, value in values.items() if name in known}


def test_psql_takes_every_option_of_a_dsn(warehouse: Warehouse) -> None:
    dsn = psycopg.conninfo.make_conninfo(warehouse.dsn, **options_of_libpq())
    done = subprocess.run(
        [sys.executable, "-m", "glue", "db", "psql", "-XAtc", "SELECT current_setting('application_name')"],
        env=os.environ | {"WAREHOUSE_DSN": dsn}, capture_output=True, text=True, cwd=PROJECT, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("it's\n", "", 0)


def test_no_option_of_libpq_is_lost_on_the_way_to_a_program() -> None:
    for option in psycopg.pq.Conninfo.get_defaults():
        name = option.keyword.decode()
        if name in ("service", "servicefile"):
            continue
        with for_program(psycopg.conninfo.make_conninfo(**{name: "1"})) as (environment, inherited):
            if option.envvar:
                assert environment[option.envvar.decode()] == "1"
                assert inherited == ()
            else:
                assert Path(environment["PGSERVICEFILE"]).read_text() == f"[glue]\n{name}=1\n"
                assert environment["PGSERVICE"] == "glue"


def test_a_dump_takes_every_option_of_a_dsn(warehouse: Warehouse, tmp_path: Path) -> None:
    made = dump(psycopg.conninfo.make_conninfo(warehouse.dsn, **options_of_libpq()), tmp_path)
    assert made.stat().st_size > 0
