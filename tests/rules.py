"""Rules of the gate, as tests add them and look at their verdicts."""

import contextlib
from typing import Any

import psycopg

from tests.conftest import Warehouse
from tests.shop import events, orders, product
from tests.steps import DAY

# Shipped rules about what is usual, and what is new or gone.
UNUSUAL = (
    "orders_unusual", "users_ordering_unusual", "products_ordered_unusual", "net_revenue_unusual", "basket_unusual",
    "events_unusual", "conversion_unusual", "orders_rejected_unusual", "events_rejected_unusual",
    "orders_without_user_unusual", "orders_without_city_unusual", "orders_without_source_unusual",
    "orders_after_18_unusual", "events_without_user_unusual", "events_without_product_unusual", "orders_week_unusual",
    "net_revenue_week_unusual", "events_week_unusual", "codes_new", "codes_gone", "fields_new", "fields_gone",
)  # fmt: skip
CLEANING = ("staging.clean_orders", "staging.clean_events", "staging.clean_products")


def deliver_good_day(warehouse: Warehouse, order_count: int = 100, event_count: int = 100) -> None:
    """A day that every rule is content with."""
    warehouse.landing.orders(DAY, orders(order_count, DAY))
    warehouse.landing.events(DAY, events(event_count, DAY))
    warehouse.landing.products(DAY, [product(f"P-{n}") for n in range(7)])


def judge(warehouse: Warehouse) -> dict[str, Any]:
    """Deliver, clean, judge; return the results by rule."""
    warehouse.deliver(DAY)
    for step in CLEANING:
        warehouse.call(step, DAY)
    return judge_cleaned(warehouse)


def judge_cleaned(warehouse: Warehouse) -> dict[str, Any]:
    """Judge a day that is cleaned; return the results by rule."""
    with contextlib.suppress(psycopg.Error):
        warehouse.call("audit.check_quality", DAY)
    assert warehouse.value(
        "SELECT coalesce(error_sqlstate, 'WH001') = 'WH001' FROM audit.pipeline_steps WHERE step = 'check_quality'"
    )
    return results(warehouse)


def results(warehouse: Warehouse) -> dict[str, Any]:
    """Return the newest results by rule."""
    rows = warehouse.rows("SELECT * FROM audit.dq_results WHERE run_id = (SELECT max(run_id) FROM audit.dq_results)")
    return {row.rule_name: row for row in rows}


def add_rule(warehouse: Warehouse, expression: str, **values: Any) -> None:
    """One INSERT, as the README says."""
    columns = {
        "rule_name": "own", "check_type": "own", "table_name": "staging.orders_clean", "severity": "critical",
        "expression": expression, "description": "A rule of our own.",
    } | values  # fmt: skip
    names = ", ".join(columns)
    warehouse.execute(
        f"INSERT INTO audit.dq_rules ({names}) VALUES ({', '.join(['%s'] * len(columns))})", *columns.values()
    )
