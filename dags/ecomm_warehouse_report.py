"""After each day, and three times in the morning: the pages that people open."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, task
from warehouse_common import REPORTER, SESSION_NAME, TIME_ZONE, dsn, table, tell_of_failure

DAG_DOC = """
### The report

Makes the pages of `warehouse report` in `REPORT_URL`, a folder or a bucket: the shop, trust, the pipeline, each day,
the dictionary. It starts when a day of `ecomm_warehouse_daily` has ended, loaded, blocked or failed: the asset
`warehouse.daily_metrics`. It also runs at 03:00, 05:00 and 07:00, so that an event that was lost costs two hours and
not a day. Readers see the report before or the new one. Run it by hand after an erasure, or after a rule was changed.

`REPORT_DAYS` (30) says how many days. The login may read the report's views and nothing else.
"""


def make_report(session_name: str) -> str:
    """Make the report; return where its first page is."""
    import os
    from contextlib import closing

    from airflow.sdk.exceptions import AirflowSkipException

    from glue.connection import connect
    from report import REPORT_DAYS
    from report.publish import publish
    from report.site import make

    out = os.environ.get("REPORT_URL")
    if not out:
        raise AirflowSkipException("REPORT_URL is not set: where should the report be? A folder, or s3://bucket/report")
    with closing(connect(dsn(REPORTER, session_name))) as connection:
        return publish(make(connection, int(os.environ.get("REPORT_DAYS") or REPORT_DAYS)), out)


with DAG(
    dag_id="ecomm_warehouse_report",
    description="The pages that people open every morning",
    doc_md=DAG_DOC,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 3,5,7 * * *", timezone=TIME_ZONE),
        assets=[table("warehouse", "daily_metrics")],
    ),
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    # Two would write one folder; the second is refused.
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    default_args={
        "owner": "data",
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
        "execution_timeout": timedelta(minutes=20),
    },
    on_failure_callback=tell_of_failure,
    tags=["warehouse", "report"],
) as dag:
    task(
        make_report,
        task_id="make_report",
        doc_md="Asks the views of the report, and swaps the folder, or writes the bucket with the first page last.",
    )(session_name=SESSION_NAME)
