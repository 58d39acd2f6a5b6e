"""A real year of a real shop, which none of us wrote, goes through and comes out to the cent.

UCI Online Retail (CC BY 4.0), 305 days: a month day by day, the rest delivered week by week, a file for each day.
That it comes out so on every version is for smaller tests.

    ONLINE_RETAIL=all pytest tests/pipeline/test_online_retail.py           all of it day by day: a few minutes
    ONLINE_RETAIL_RETURNS=1 pytest tests/pipeline/test_online_retail.py     once more with returns, as long again
"""

import os
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from glue.extract import extract
from tests.conftest import Warehouse

TOOL = Path(__file__).parents[3] / "shared" / "tools" / "online_retail_landing.py"
# Set to anything: the year once more, with the lines that are less than nothing.
RETURNS = "ONLINE_RETAIL_RETURNS"
DAILY = "2011-01-01"
HOLIDAYS = ["2010-12-27", "2011-04-25", "2011-05-02", "2011-05-30", "2011-08-29"]


@pytest.mark.once
@pytest.mark.long
@pytest.mark.skipif(not TOOL.exists(), reason=f"the data is not here: {TOOL}")
def test_online_retail_comes_out_to_the_cent(warehouse: Warehouse, tmp_path: Path) -> None:
    landing = tmp_path / "online_retail"
    subprocess.run([sys.executable, str(TOOL), str(landing)], check=True, stdout=subprocess.DEVNULL, timeout=300)
    days = sorted({path.parent.name for path in landing.glob("orders/*/*")})
    assert len(days) == 305
    if os.environ.get("ONLINE_RETAIL") != "all":
        deliver_by_the_week(landing, DAILY)
    runs = sorted({path.parent.name for path in landing.glob("*/*/*")})
    holidays = [day for day in HOLIDAYS if day in runs]
    for source in ("orders", "products"):
        for path in sorted((landing / source).iterdir()):
            extract(source, date.fromisoformat(path.name), dsn=warehouse.dsn, landing=str(landing))
    # A shop without clicks switches their volume rules off, as the README says.
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE rule_name LIKE 'events\\_volume%%'")
    # On bank holidays there is a catalogue and no order: the gate asks about them, and is told.
    with pytest.raises(psycopg.Error, match=f"{len(holidays)} of {len(runs)} days did not succeed") as raised:
        warehouse.call("warehouse.run_range", date.fromisoformat(runs[0]), date.fromisoformat(runs[-1]))
    assert raised.value.sqlstate == "WH009"
    closed = [line[:10] for line in (raised.value.diag.message_detail or "").splitlines()]
    assert closed == holidays
    for day in closed:
        warehouse.call("audit.allow_day", date.fromisoformat(day), "bank holiday: the shop was closed")
        warehouse.call("warehouse.run_day", date.fromisoformat(day))

    value = warehouse.value
    assert value("SELECT sum(raw_order_lines_count) FROM warehouse.daily_metrics") == 541_909
    assert value("SELECT count(*) FROM warehouse.fact_orders") == 531_282
    assert value("SELECT sum(revenue) FROM warehouse.fact_orders") == Decimal("10655622.484")
    assert value("SELECT sum(revenue) FROM warehouse.daily_metrics") == Decimal("10655622.484")
    assert value("SELECT count(DISTINCT order_id) FROM warehouse.fact_orders") == 20_725
    assert value("SELECT sum(quantity) FROM warehouse.fact_orders") == 5_660_978
    assert value("SELECT count(DISTINCT product_id) FROM warehouse.fact_orders") == 3_940
    assert value("SELECT count(DISTINCT user_id) FROM warehouse.fact_orders WHERE user_id <> '(guest)'") == 4_339
    assert value("SELECT count(*) FROM warehouse.dim_user WHERE user_id <> '(guest)'") == 4_339
    assert value("SELECT count(*) FROM warehouse.fact_orders WHERE user_id = '(guest)'") == 133_358

    reasons = warehouse.rows(
        "SELECT failure_reason LIKE 'quantity is not a number above 0%%' AS for_quantity,"
        "       sum(line_count)::bigint AS lines, count(DISTINCT failed_value) AS values"
        " FROM audit.bad_records WHERE source_table = 'raw.orders_json' GROUP BY 1 ORDER BY 1"
    )
    assert [(row.for_quantity, row.lines) for row in reasons] == [(False, 3), (True, 10_624)]
    adjustments = warehouse.rows(
        "SELECT failure_reason FROM audit.bad_records"
        " WHERE source_table = 'raw.orders_json' AND failure_reason NOT LIKE 'quantity%%'"
    )
    # Two of the three have a negative price as well.
    assert all("status is not in staging.codes" in row.failure_reason for row in adjustments)
    assert value("SELECT sum(rejected_orders_count) FROM warehouse.daily_metrics") == 10_627

    statuses = warehouse.rows("SELECT status, count(*) AS days FROM warehouse.daily_metrics GROUP BY status")
    assert [row.status for row in statuses] == ["succeeded"]
    lost = warehouse.rows(
        "SELECT run_date FROM warehouse.daily_metrics"
        " WHERE raw_order_lines_count <> staging_orders_count + duplicate_orders_count + rejected_orders_count"
        "    OR staging_orders_count <> fact_orders_count + superseded_orders_count"
    )
    assert lost == []

    if os.environ.get(RETURNS):
        count_returns(warehouse, date.fromisoformat(runs[0]), date.fromisoformat(runs[-1]))


def deliver_by_the_week(landing: Path, first: str) -> None:
    """Move the files of all days from `first` on to the Sunday of their week, under names of their own."""
    for folder in sorted(landing.glob("*/*")):
        day = date.fromisoformat(folder.name)
        if folder.name >= first:
            sunday = folder.with_name(f"{day + timedelta(days=6 - day.weekday())}")
            sunday.mkdir(exist_ok=True)
            for path in list(folder.iterdir()):
                path.rename(
                    sunday / f"{path.stem}-{day}{path.suffix}" if folder.parent.name == "orders" else sunday / path.name
                )
            if folder != sunday:
                folder.rmdir()


def count_returns(warehouse: Warehouse, first_day: date, last_day: date) -> None:
    """With `negative_lines` returns count: all lines but the three of a status that nobody knows."""
    warehouse.execute("UPDATE audit.settings SET value = '1' WHERE name = 'negative_lines'")
    warehouse.call("warehouse.run_range", first_day, last_day)
    facts = warehouse.row("SELECT count(*) AS lines, sum(revenue) AS revenue FROM warehouse.fact_orders")
    assert (facts.lines, facts.revenue) == (541_906, Decimal("9758809.994"))
    assert warehouse.value("SELECT sum(revenue) FROM warehouse.daily_metrics") == facts.revenue
    assert warehouse.value("SELECT sum(rejected_orders_count) FROM warehouse.daily_metrics") == 3
