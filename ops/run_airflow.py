"""Airflow without Docker: api-server, scheduler and dag-processor on the embedded server. `make airflow`.

Metadata are in a database of their own beside the warehouse. Everything else is in .airflow/home. Environment:
AIRFLOW_PORT (8080), LANDING_URL (data/landing; without one, the deliveries of `make demo`), and what glue and the
alerts use.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from psycopg import sql  # noqa: E402

from embedded import server  # noqa: E402
from glue.connection import connect  # noqa: E402
from ops.migrate import upgrade  # noqa: E402

HOME = PROJECT / ".airflow" / "home"
METADATA = "airflow"
START_SECONDS = 600
STOP_SECONDS = 30
# The logins of the DAG's connections, as in docker/postgres/10-databases.sh.
LOGINS = {
    "etl_loader": "warehouse_loader",
    "etl_runner": "warehouse_runner",
    "warehouse_backup": "pg_read_all_data",
    "warehouse_restore": None,
}


def main() -> int:
    """Run until Ctrl-C, or until a part of it ends; return the exit code."""
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME.parent / ".gitignore").write_text("*\n")
    os.umask(0o077)  # passwords, and logs that name customers
    server.start()
    prepare_databases()
    environment = airflow_environment()
    airflow = [sys.executable, "-m", "airflow"]
    subprocess.run([*airflow, "db", "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)

    port = environment["AIRFLOW__API__PORT"]
    parts: dict[str, subprocess.Popen[bytes]] = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for part in ("api-server", "scheduler", "dag-processor"):
            with (HOME / f"{part}.log").open("ab") as log:
                parts[part] = subprocess.Popen(
                    [*airflow, part], env=environment, stdout=log, stderr=log, start_new_session=True
                )
        wait_until_healthy(f"http://127.0.0.1:{port}/api/v2/monitor/health", parts)
        password = json.loads(Path(environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]).read_text())[
            "admin"
        ]
        say(f"Airflow:   http://127.0.0.1:{port}  user admin, password {password}")
        say(f"The DAG:   http://127.0.0.1:{port}/dags/ecomm_warehouse_daily  switch it on, or trigger a day")
        days = sorted({day.name for day in Path(environment["LANDING_URL"]).glob("orders/*")})
        say(f"Landing:   {environment['LANDING_URL']}" + (f", orders of {days[0]} to {days[-1]}" if days else ""))
        say(f"Logs:      {HOME}/*.log, and those of tasks in {HOME / 'logs'}")
        say(f"Warehouse: {server.dsn()}")
        say("Ctrl-C ends it; the embedded server stays up (make stop).")
        while all(part.poll() is None for part in parts.values()):
            time.sleep(1)
        ended = [name for name, part in parts.items() if part.poll() is not None]
        say(f"{', '.join(ended)} ended: see {HOME}/{ended[0]}.log")
    except KeyboardInterrupt:
        return 0
    except TimeoutError as error:
        say(str(error))
    finally:
        stop(parts)
    return 1


def prepare_databases() -> None:
    """Make the metadata database, migrate the warehouse, and make the logins of the DAG's connections."""
    with closing(connect(server.dsn("postgres"))) as connection:
        names = {name for (name,) in connection.execute("SELECT datname FROM pg_catalog.pg_database")}
        for name in (METADATA, server.DATABASE):
            if name not in names:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    upgrade(server.dsn())
    with closing(connect(server.dsn())) as connection:
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_catalog.pg_roles")}
        for login, role in LOGINS.items():
            if login not in known:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
            if role:
                connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(login)))
            else:  # whatever restoring a dump makes the server evaluate, it does with these rights
                connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(login)))


def airflow_environment() -> dict[str, str]:
    """Return the environment of all parts of Airflow."""
    embedded = server.EmbeddedServer()
    socket = str(embedded.socket_directory)
    port = os.environ.get("AIRFLOW_PORT", "8080")

    def connection(login: str, database: str = server.DATABASE) -> str:
        extra = {"host": socket, "port": server.PORT}
        return json.dumps({"conn_type": "postgres", "login": login, "schema": database, "extra": extra})

    passwords = HOME / "passwords.json"
    if not passwords.exists():
        passwords.write_text(json.dumps({"admin": secrets.token_urlsafe(12)}))
    return os.environ | {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(20),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
            f"postgresql+psycopg2://{server.SUPERUSER}@/{METADATA}?host={socket}&port={server.PORT}"
        ),
        "AIRFLOW_CONN_WAREHOUSE_LOADER": connection("etl_loader"),
        "AIRFLOW_CONN_WAREHOUSE_RUNNER": connection("etl_runner"),
        "AIRFLOW_CONN_WAREHOUSE_OWNER": connection(server.SUPERUSER),
        "AIRFLOW_CONN_WAREHOUSE_BACKUP": connection("warehouse_backup"),
        "AIRFLOW_CONN_WAREHOUSE_RESTORE": connection("warehouse_restore", "postgres"),
        "LANDING_URL": os.environ.get("LANDING_URL") or str(landing_folder()),
        "BACKUP_DIR": os.environ.get("BACKUP_DIR") or str(HOME / "backups"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "dags")]),
    }


def landing_folder() -> Path:
    """Return the landing zone: the project's own; while there is none, that of the demo, if it ran."""
    own, demo = PROJECT / "data" / "landing", PROJECT / "data" / "demo"
    return demo if demo.is_dir() and not own.is_dir() else own


def wait_until_healthy(url: str, parts: dict[str, subprocess.Popen[bytes]]) -> None:
    """Return when the api-server, the scheduler and the dag-processor say that they are healthy."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and all(part.poll() is None for part in parts.values()):
        try:
            with urlopen(url, timeout=5) as answer:
                said = json.load(answer)
            if all(said[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor")):
                return
        except (OSError, ValueError):
            pass
        time.sleep(1)
    raise TimeoutError(f"Airflow did not come up: see {HOME}/*.log")


def stop(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    """End all parts and what they started."""
    for part in parts.values():
        if part.poll() is None:
            os.killpg(part.pid, signal.SIGTERM)
    for part in parts.values():
        try:
            part.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(part.pid, signal.SIGKILL)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
