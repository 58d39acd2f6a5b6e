"""docker compose: images are pinned, secrets are only where they are needed, what is installed was locked."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

# Texts of compose files: no database is asked.
pytestmark = pytest.mark.once
PROJECT = Path(__file__).parents[2]
BASE, CELERY = "docker-compose.yml", "docker-compose.celery.yml"


def services(name: str) -> dict[str, dict[str, Any]]:
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))["services"]


@pytest.mark.parametrize("name", [BASE, CELERY])
def test_every_image_is_pinned_to_a_version(name: str) -> None:
    images = [service["image"] for service in services(name).values() if "image" in service]
    assert images
    for image in [*images, *re.findall(r"^FROM (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)]:
        assert re.search(r":\d+(\.\d+)+(-|$)", image), image


def test_a_secret_is_only_in_the_containers_that_need_it() -> None:
    holders = {
        "WAREHOUSE_ADMIN_PASSWORD": {"postgres", "warehouse-migrate", "airflow-scheduler"},
        "WAREHOUSE_LOADER_PASSWORD": {"postgres", "airflow-scheduler"},
        "WAREHOUSE_RUNNER_PASSWORD": {"postgres", "airflow-scheduler", "airflow-dag-processor"},
        "WAREHOUSE_ANALYST_PASSWORD": {"postgres", "pgadmin"},
        "WAREHOUSE_BI_PASSWORD": {"postgres"},
        "WAREHOUSE_REPORTER_PASSWORD": {"postgres", "airflow-scheduler"},
        "PRODUCTS_API_TOKEN": {"airflow-scheduler"},
        "AIRFLOW_ADMIN_PASSWORD": {"airflow-api-server"},
        "POSTGRES_PASSWORD": {"postgres"},
        "PGADMIN_PASSWORD": {"pgadmin"},
    }
    environments = {name: str(service.get("environment")) for name, service in services(BASE).items()}
    for secret, wanted in holders.items():
        assert {name for name, text in environments.items() if f"${{{secret}:" in text} == wanted, secret


def test_with_celery_only_the_worker_has_the_logins_of_tasks() -> None:
    scheduler = services(CELERY)["airflow-scheduler"]["environment"]
    for name in ("AIRFLOW_CONN_WAREHOUSE_LOADER", "AIRFLOW_CONN_WAREHOUSE_OWNER", "PRODUCTS_API_TOKEN"):
        assert scheduler[name] == ""
        assert name not in services(CELERY)["airflow-worker"]["environment"]  # as in docker-compose.yml


def test_no_container_of_ours_runs_as_root() -> None:
    last_user = re.findall(r"^USER (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)[-1]
    assert last_user == "airflow"
    assert services(BASE)["postgres"]["user"] == "postgres"
    assert services(CELERY)["redis"]["user"] == "redis"
    for name in (BASE, CELERY):
        assert all(service.get("user") != "root" for service in services(name).values())


def test_what_the_image_installs_has_hashes_and_no_place_of_its_own() -> None:
    text = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
    logical = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    assert len(logical) > 150
    for line in logical:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line[:80]
    assert "://" not in text
    assert "--require-hashes" in (PROJECT / "Dockerfile").read_text()


def copied_into_the_image() -> list[str]:
    lines = re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    return [source for line in lines for source in line.split()]


def test_what_the_image_copies_is_there_and_no_ignored_file() -> None:
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "*"  # nothing goes to the builder but what is named
    let_through = [pattern.removeprefix("!") for pattern in ignored if pattern.startswith("!")]
    assert copied_into_the_image()
    for source in copied_into_the_image():
        assert (PROJECT / source).exists(), source
        top = Path(source).parts[0]
        assert any(fnmatch(top, pattern) for pattern in let_through), f".dockerignore leaves out {source}"


def test_every_package_of_the_command_line_is_in_the_image() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["setuptools"]["packages"]) <= set(copied_into_the_image())
