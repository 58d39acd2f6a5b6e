"""Writes .env for docker compose: random passwords, readable by its owner only. Those of one that exists stay."""

import os
import secrets
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

ENV = Path(__file__).resolve().parent.parent / ".env"
PASSWORDS = (
    "POSTGRES_PASSWORD",
    "AIRFLOW_DB_PASSWORD",
    "WAREHOUSE_LOADER_PASSWORD",
    "WAREHOUSE_RUNNER_PASSWORD",
    "WAREHOUSE_ADMIN_PASSWORD",
    "WAREHOUSE_ANALYST_PASSWORD",
    "WAREHOUSE_REPORTER_PASSWORD",
    "WAREHOUSE_BACKUP_PASSWORD",
    "WAREHOUSE_RESTORE_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_API_SECRET_KEY",
    "PGADMIN_PASSWORD",
    "REDIS_PASSWORD",
)


def main() -> int:
    """Write the file; return the exit code."""
    if ENV.exists():
        known = {line.partition("=")[0] for line in ENV.read_text().splitlines()}
        new = [name for name in PASSWORDS if name not in known]
        with ENV.open("a") as file:
            file.writelines(f"{name}={secrets.token_hex(20)}\n" for name in new)
        sys.stdout.write(".env is there and stays as it is: the databases were made with its passwords\n")
        if new:
            sys.stdout.write(
                f"added, for logins that are new (docs/how-to/run-with-airflow.md has the SQL): {', '.join(new)}\n"
            )
        return 0
    lines = ["# Made by `make env`. Not for git; the volumes of docker compose know these passwords."]
    # Letters and digits: they stand in URIs, JSON and SQL as they are.
    lines += [f"{name}={secrets.token_hex(20)}" for name in PASSWORDS]
    lines += [f"AIRFLOW_FERNET_KEY={urlsafe_b64encode(secrets.token_bytes(32)).decode()}"]
    lines += ["", "# Who is told of failures, alerts and blocked days: a Slack-compatible URL", "ALERT_WEBHOOK_URL="]
    descriptor = os.open(ENV, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
    sys.stdout.write("wrote .env; next: docker compose up -d --wait, then http://127.0.0.1:8080\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
