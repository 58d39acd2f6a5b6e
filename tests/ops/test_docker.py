"""docker compose: images are pinned, secrets are only where they are needed, what is installed was locked."""

import re
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

# Texts of compose files: no database is asked.
pytestmark = pytest.mark.once
PROJECT = Path(__file__).parents[2]
BASE, CELERY, CITUS = "docker-compose.yml", "docker-compose.celery.yml", "docker-compose.citus.yml"
NODES = ("coordinator", "worker1", "worker2")


def services(name: str) -> dict[str, dict[str, Any]]:
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))["services"]


@pytest.mark.parametrize("name", [BASE, CELERY, CITUS])
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
    assert all(service.get("user") == "postgres" or "build" in service for service in services(CITUS).values())
    for name in (BASE, CELERY, CITUS):
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


def test_a_worker_of_the_cluster_has_no_port_no_way_out_and_no_password_but_its_superusers() -> None:
    cluster = services(CITUS)
    assert cluster["coordinator"]["ports"] == ["127.0.0.1:5434:5432"]
    assert not any("ports" in service for name, service in cluster.items() if name != "coordinator")
    networks = yaml.safe_load((PROJECT / CITUS).read_text(encoding="utf-8"))["networks"]
    assert networks["nodes"]["internal"] is True
    for name in ("worker1", "worker2"):
        assert cluster[name]["networks"] == ["nodes"]
        secrets = re.findall(r"\$\{(\w+)", str(cluster[name]))
        assert secrets == ["POSTGRES_PASSWORD"]
    # What is done once goes by the nodes' certificate, or by the login that migrates.
    for name in ("certificate", "nodes", "distribute"):
        assert "PASSWORD" not in str(cluster[name])
    assert re.findall(r"\$\{(\w+)", str(cluster["warehouse-migrate"])) == ["WAREHOUSE_ADMIN_PASSWORD"]


def test_no_password_is_written_into_a_compose_file() -> None:
    for name in (BASE, CELERY, CITUS):
        for service, settings in services(name).items():
            environment = settings.get("environment") or {}
            for key, value in environment.items():
                if "PASSWORD" in key and "REQUIRED" not in key and not key.endswith("_FILE"):
                    assert re.fullmatch(r"\$\{\w+:\?make env\}", value), (name, service, key)


def test_the_cluster_takes_the_settings_roles_and_databases_of_one_server() -> None:
    cluster = services(CITUS)
    mounted = {name: str(cluster[name]["volumes"]) for name in NODES}
    assert all("docker/postgres/warehouse.conf" in volumes for volumes in mounted.values())
    assert "docker/postgres/10-databases.sh" in mounted["coordinator"]
    logins = r"^CREATE ROLE (\w+)"
    of_one = re.findall(logins, (PROJECT / "docker/postgres/10-databases.sh").read_text(), re.MULTILINE)
    of_a_worker = re.findall(logins, (PROJECT / "docker/citus/10-worker.sh").read_text(), re.MULTILINE)
    # Airflow's own database and the one for trying a dump are the coordinator's alone.
    assert set(of_one) - set(of_a_worker) == {"airflow", "warehouse_restore"}
    assert set(of_a_worker) <= set(of_one)


def test_nodes_log_in_by_certificate_from_their_own_network_only() -> None:
    networks = yaml.safe_load((PROJECT / CITUS).read_text(encoding="utf-8"))["networks"]
    (subnet,) = [config["subnet"] for config in networks["nodes"]["ipam"]["config"]]
    for script in ("10-worker.sh", "20-coordinator.sh"):
        lines = (PROJECT / "docker/citus" / script).read_text(encoding="utf-8").splitlines()
        rules = [line.split() for line in lines if re.match(r"(local|host|hostssl) ", line)]
        assert ["hostssl", "ecommerce_warehouse", "all", subnet, "cert", "map=nodes"] in rules
        assert not any(rule[-1] in ("trust", "password", "md5") for rule in rules)
    for name in NODES:
        (told,) = [part for part in services(CITUS)[name]["command"] if "citus.node_conninfo" in part]
        assert "sslmode=verify-full" in told


def test_the_certificate_of_the_nodes_is_made_once_and_proves_itself(tmp_path: Path) -> None:
    make = ["bash", PROJECT / "docker/citus/certificate.sh", tmp_path]
    subprocess.run(make, check=True)
    made = (tmp_path / "node.crt").read_bytes(), (tmp_path / "node.key").read_bytes()
    subprocess.run(make, check=True)
    assert made == ((tmp_path / "node.crt").read_bytes(), (tmp_path / "node.key").read_bytes())
    assert (tmp_path / "node.key").stat().st_mode & 0o077 == 0
    for node in ("coordinator.nodes", "worker1", "worker2"):
        told = subprocess.run(
            ["openssl", "verify", "-CAfile", "node.crt", "-verify_hostname", node, "node.crt"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr


def test_the_cluster_migrates_and_distributes_by_itself_in_that_order() -> None:
    order = services(CITUS)
    assert set(order["nodes"]["depends_on"]) == set(NODES)
    assert set(order["warehouse-migrate"]["depends_on"]) == {"nodes"}
    assert set(order["distribute"]["depends_on"]) == {"warehouse-migrate"}
    assert "warehouse.distribute()" in str(order["distribute"]["command"])
