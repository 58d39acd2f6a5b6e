"""Every morning at two: yesterday's orders, events and products into the star schema."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param, TaskGroup, task
from airflow.sdk.exceptions import AirflowSkipException
from warehouse_common import (
    LOADER,
    SESSION_NAME,
    SHOP_ZONE,
    TIME_ZONE,
    StepOperator,
    dsn,
    table,
    tell_of_alerts,
    tell_of_failure,
)

# `load_date` wins; else the logical date, which is the day of the data; a manual run may have none. Both are times:
# their day is the shop's, as the schedule's hour is. `ds` would be the day in UTC.
LOAD_DATE = (
    "{{ params.load_date or (logical_date.astimezone(shop_zone).strftime('%Y-%m-%d')"
    " if logical_date is defined and logical_date"
    " else macros.ds_add(dag_run.run_after.astimezone(shop_zone).strftime('%Y-%m-%d'), -1)) }}"
)
CATALOGUE_DAYS = 7
MONDAY = 0

DAG_DOC = """
### One day of the warehouse

Fetches the orders, events and (weekly) products of a day, cleans them, judges them, and loads them into the star
schema. **The logical date is the day of the data**: the run at 02:00 on the 20th
loads the 19th, both in the shop's time zone (`WAREHOUSE_TIME_ZONE`; UTC without it). A manual run
without a date loads yesterday; the parameter `load_date` wins over both. Any day can be run again at any time.

**Blocked** (`check_quality` failed with WH001): the day's figures are not believable, and nothing of it was loaded.
Its log says which rules failed. Mend the input and clear the run, or let this staging through, and clear
`check_quality` and what follows it:

```sql
SELECT * FROM audit.dq_failures WHERE run_date = '2025-12-19';
CALL audit.allow_day('2025-12-19', 'why');
```

**Failed**: `SELECT * FROM audit.pipeline_steps WHERE status = 'failed' ORDER BY step_id DESC LIMIT 5;` then clear the
failed task: it goes on from there.

**A red `extract_products` in a green run**: the catalogue could not be had, and the day was loaded without it, because
a fact never waits for a dimension. The next day asks again; or clear it with what is downstream.
"""


def needs_catalogue(day: date, today: date, newest: date | None) -> str | None:
    """Return why the products API is not asked for the catalogue of a day; None if it is.

    `newest` is the day of the newest catalogue in raw up to that day.
    """
    if day < today - timedelta(days=1):
        return "the API is not asked for a day before yesterday: it knows only today's prices"
    if newest is None or day.weekday() == MONDAY or (day - newest).days > CATALOGUE_DAYS:
        return None
    return f"not Monday, and the catalogue of {newest} is not older than {CATALOGUE_DAYS} days"


def extract_source(source: str, load_date: str, session_name: str) -> dict[str, Any]:
    """Bring the deliveries of a source and day into raw, as a step of its run; return what became of them."""
    from contextlib import closing

    from glue.connection import connect
    from glue.extract import extract_step

    with closing(connect(dsn(LOADER, session_name))) as connection:
        result = extract_step(connection, source, date.fromisoformat(load_date))
    if result.skipped:
        raise AirflowSkipException(result.skipped)
    return {
        "loaded": result.of("loaded"),
        "unchanged": result.of("unchanged"),
        "refused": result.of("refused"),
        "rows": result.rows,
        "rejected": result.rejected,
    }


def extract_catalogue(load_date: str, session_name: str) -> dict[str, Any]:
    """Bring the catalogue of a day into raw: a file, if one was delivered, else from the API when it is time."""
    from contextlib import closing

    from glue.connection import connect
    from glue.errors import MissingSetting
    from glue.extract import landing_url
    from glue.landing import find

    day = date.fromisoformat(load_date)
    delivered = find(landing_url(), "products", day)
    if not delivered.deliveries and not delivered.faults:
        with closing(connect(dsn(LOADER, session_name))) as connection:
            row = connection.execute(
                "SELECT max(run_date) FROM raw.file_loads"
                " WHERE source = 'products' AND refused_reason IS NULL AND run_date <= %s",
                (day,),
            ).fetchone()
        if reason := needs_catalogue(day, datetime.now(SHOP_ZONE).date(), row[0] if row else None):
            raise AirflowSkipException(reason)
    try:
        return extract_source("products", load_date, session_name)
    except MissingSetting as error:
        raise AirflowSkipException(str(error)) from error


def end_day() -> None:
    """Do nothing: that this task has ended is the news."""


with DAG(
    dag_id="ecomm_warehouse_daily",
    description="Yesterday's orders, events and products into the star schema",
    doc_md=DAG_DOC,
    # A plain cron string would mean another day: its logical date is the time of the run.
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone=TIME_ZONE),
    start_date=datetime(2010, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=5,
    user_defined_macros={"shop_zone": SHOP_ZONE},
    dagrun_timeout=timedelta(hours=6),
    params={
        "load_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Day of the data",
            description="As in 2025-12-19. Empty: the logical date, and without one yesterday.",
        )
    },
    default_args={
        "owner": "data",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=1),
    },
    on_failure_callback=tell_of_failure,
    on_success_callback=tell_of_alerts,
    tags=["warehouse", "daily"],
) as dag:

    def step(procedure: str, doc: str, *writes: Asset, **arguments: Any) -> StepOperator:
        """Return the task that calls a procedure, under the procedure's name."""
        return StepOperator(
            task_id=procedure.partition(".")[2],
            procedure=procedure,
            load_date=LOAD_DATE,
            doc_md=doc,
            outlets=list(writes),
            **arguments,
        )

    open_run = step("audit.open_run", "Opens a run of the day in `audit.pipeline_runs`.")

    with TaskGroup("extract", group_display_name="Extract", tooltip="raw layer", prefix_group_id=False):
        extract_orders = task(
            extract_source,
            task_id="extract_orders",
            doc_md="Brings `orders/DATE/` of the landing zone into `raw.orders_json`. The same bytes change nothing.",
            outlets=[table("raw", "orders_json")],
        )(source="orders", load_date=LOAD_DATE, session_name=SESSION_NAME)
        extract_events = task(
            extract_source,
            task_id="extract_events",
            doc_md="Brings `events/DATE/` of the landing zone into `raw.events_csv`. The same bytes change nothing.",
            outlets=[table("raw", "events_csv")],
        )(source="events", load_date=LOAD_DATE, session_name=SESSION_NAME)
        extract_products = task(
            extract_catalogue,
            task_id="extract_products",
            doc_md=(
                "Brings a catalogue into `raw.products_json`: a file of the day if there is one; else from the API, on "
                "Mondays and whenever the newest catalogue is missing or older than a week, for today or yesterday "
                "only. Otherwise **skipped**. Whether it is skipped or fails, all that follows still runs."
            ),
            outlets=[table("raw", "products_json")],
        )(load_date=LOAD_DATE, session_name=SESSION_NAME)

    with TaskGroup("transform", group_display_name="Transform", tooltip="staging layer", prefix_group_id=False):
        clean_orders = step(
            "staging.clean_orders",
            "Cleans, normalizes and deduplicates the orders of the day.",
            table("staging", "orders_clean"),
        )
        clean_events = step(
            "staging.clean_events",
            "Cleans, normalizes and deduplicates the events of the day.",
            table("staging", "events_clean"),
        )
        clean_products = step(
            "staging.clean_products",
            "Cleans the catalogue of the day, if there is one; runs when the extract was skipped or failed, too.",
            table("staging", "products_clean"),
            # A fact never waits for a dimension.
            trigger_rule="all_done",
        )

    with TaskGroup("quality", group_display_name="Quality", tooltip="validation", prefix_group_id=False):
        check_quality = step(
            "audit.check_quality",
            "The gate: judges the staging of the day by `audit.dq_rules`. A failed critical rule **blocks** the day "
            "(WH001), which is not tried again: see the DAG's documentation.",
        )

    with TaskGroup("load_dimensions", group_display_name="Load dimensions", tooltip="upsert", prefix_group_id=False):
        dimensions = [
            step("warehouse.load_dim_date", "The days that the day's rows name.", table("warehouse", "dim_date")),
            step("warehouse.load_dim_user", "The day's users, as they are now.", table("warehouse", "dim_user")),
            step(
                "warehouse.load_dim_product",
                "The day's products as they are now, and the history of their prices.",
                table("warehouse", "dim_product"),
                table("warehouse", "dim_product_history"),
            ),
        ]

    with TaskGroup("load_facts", group_display_name="Load facts", tooltip="idempotent", prefix_group_id=False):
        facts = [
            step(
                "warehouse.reload_fact_orders",
                "Puts the day's order lines in place of what was there of that load.",
                table("warehouse", "fact_orders"),
            ),
            step(
                "warehouse.reload_fact_events",
                "Puts the day's events in place of what was there of that load.",
                table("warehouse", "fact_events"),
            ),
        ]

    with TaskGroup("metrics", group_display_name="Metrics", tooltip="monitoring", prefix_group_id=False):
        compute_daily_metrics = step(
            "warehouse.compute_daily_metrics",
            "Proves that nothing of the day was lost, writes its row of `daily_metrics`, and closes the run.",
        )

    # A day that is blocked or failed has its row of daily_metrics, too, and whoever waits for that has to see it: a
    # teardown runs whatever happened before it, and how the run ended is for the others to say.
    end_of_day = task(
        end_day,
        task_id="end_of_day",
        doc_md=(
            "Tells who waits for `warehouse.daily_metrics`, as the report does, that the day has ended: loaded, blocked"
            " or failed."
        ),
        outlets=[table("warehouse", "daily_metrics")],
    )().as_teardown()

    open_run >> [extract_orders, extract_events, extract_products]
    extract_orders >> clean_orders
    extract_events >> clean_events
    extract_products >> clean_products
    [clean_orders, clean_events, clean_products] >> check_quality >> dimensions
    for dimension in dimensions:
        dimension >> facts
    facts >> compute_daily_metrics >> end_of_day
