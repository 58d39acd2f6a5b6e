"""Every night: a dump. Every week: compaction, statistics, retention. Every month: proof that a dump restores."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG, CronTriggerTimetable, Param, task
from airflow.sdk.exceptions import AirflowSkipException
from warehouse_common import BACKUP, OWNER, RESTORE, SESSION_OPTIONS, SHOP_ZONE, TIME_ZONE, dsn, tell_of_failure

SUNDAY = 6
MONTH = "{{ dag_run.run_after.astimezone(shop_zone).strftime('%Y-%m-01') }}"

DAG_DOC = """
### Housekeeping, at 04:00 in the shop's time zone

| how often | what |
|---|---|
| every night | `backup`: `pg_dump -Fc` of the warehouse's schemas into `BACKUP_DIR`, the newest `BACKUP_KEEP` (14) stay |
| Sundays | `compact_partitions`: closed months become one partition; drops what `raw_keep_days` and `staging_keep_days` say. Then `analyze`. |
| the 1st | `restore_check`: the newest dump, restored into a scratch database and compared with the original |

Trigger it with `everything` to do it all now. What is not due is skipped.
"""  # noqa: E501


def due(how_often: str, moment: datetime) -> bool:
    """Return whether what is done weekly or monthly is due on a night."""
    return moment.weekday() == SUNDAY if how_often == "weekly" else moment.day == 1


def make_backup() -> str:
    """Dump the warehouse into BACKUP_DIR; return the dump's name."""
    import os

    from ops import backup

    keep = int(os.environ.get("BACKUP_KEEP") or backup.KEPT_DUMPS)
    return backup.dump(dsn(BACKUP, "airflow backup"), backup.backup_folder(), keep=keep).name


def check_restore() -> dict[str, Any]:
    """Restore the newest dump into a scratch database and compare it; return what was compared."""
    from ops import backup

    # Two logins: what reads the original can make nothing, and what a dump is restored by may nothing in the original.
    checked = backup.check(
        dsn(BACKUP, "airflow restore check"),
        backup.backup_folder(),
        restore_dsn=dsn(RESTORE, "airflow restore check"),
    )
    return {"dump": checked.dump.name, "tables": checked.tables, "rows": checked.rows}


with DAG(
    dag_id="ecomm_warehouse_maintenance",
    description="Dumps, compaction, statistics, retention, and proof that a dump restores",
    doc_md=DAG_DOC,
    # Two hours after the day's run began: the dump holds yesterday.
    schedule=CronTriggerTimetable("0 4 * * *", timezone=TIME_ZONE),
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    user_defined_macros={"shop_zone": SHOP_ZONE},
    dagrun_timeout=timedelta(hours=8),
    params={"everything": Param(False, type="boolean", description="Do now what is due weekly and monthly, too")},
    default_args={
        "owner": "data",
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=4),
    },
    on_failure_callback=tell_of_failure,
    tags=["warehouse", "maintenance"],
) as dag:

    def when(how_often: str) -> Any:
        """Return the task that lets a part of the night pass when it is due; a part before it may be skipped."""

        @task(
            task_id=f"if_{how_often}",
            trigger_rule="none_failed",
            doc_md=f"Skips what follows unless it is due ({how_often}).",
        )
        def is_due(**context: Any) -> None:
            moment = context["dag_run"].run_after.astimezone(SHOP_ZONE)
            if not (context["params"]["everything"] or due(how_often, moment)):
                raise AirflowSkipException(f"what is {how_often} is not due")

        return is_due()

    backup_task = task(make_backup, task_id="backup", doc_md="`pg_dump -Fc` into `BACKUP_DIR`; the oldest go.")()
    compact_partitions = SQLExecuteQueryOperator(
        task_id="compact_partitions",
        doc_md="Merges the day partitions of closed months, and drops what retention says.",
        conn_id=OWNER,
        sql="CALL warehouse.compact_partitions(%(month)s::date)",
        parameters={"month": MONTH},
        autocommit=True,
        hook_params={"enable_log_db_messages": True, "options": SESSION_OPTIONS},
        do_xcom_push=False,
    )
    # The parents of partitions: autovacuum counts only their partitions.
    analyze = SQLExecuteQueryOperator(
        task_id="analyze",
        doc_md="Statistics of the partitioned tables as a whole, which autovacuum does not make.",
        conn_id=OWNER,
        sql=[
            f"ANALYZE {table}"
            for table in (
                "raw.orders_json",
                "raw.events_csv",
                "raw.products_json",
                "staging.orders_clean",
                "staging.events_clean",
                "staging.products_clean",
                "warehouse.fact_orders",
                "warehouse.fact_events",
                "warehouse.dim_user",
                "warehouse.dim_product",
            )
        ],
        autocommit=True,
        hook_params={"options": SESSION_OPTIONS},
        do_xcom_push=False,
    )
    restore_check = task(
        check_restore,
        task_id="restore_check",
        doc_md="Restores the newest dump into a scratch database and compares counts and checksums of every table.",
    )()

    # The check comes right after the dump: it compares with what the warehouse holds then.
    backup_task >> when("monthly") >> restore_check >> when("weekly") >> compact_partitions >> analyze
