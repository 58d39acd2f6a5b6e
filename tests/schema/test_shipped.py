"""What is shipped, word for word, and the views over how the pipeline does.

A threshold or a synonym is a decision: who changes one changes it here too, and sees what else hangs on it.
"""

from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Warehouse
from tests.promises import RULES_OFF
from tests.shop import events, orders

DAY = date(2025, 12, 19)
THIRD = Decimal("33.3")
SETTINGS = {
    "time_zone": "UTC", "currency": None, "negative_lines": None,
    "oldest_order_days": "400", "raw_keep_days": None, "staging_keep_days": None, "step_attempts": "4",
    "swap_attempts": "60", "swap_lock_timeout_ms": "80", "swap_pause_ms": "250", "in_place_percent": "20",
    "skip_unchanged": "1", "lock_notice_s": "3", "lock_wait_s": "900", "rule_limit_s": "600",
    "erase_batch_rows": "1000", "audit_keep_days": None, "bad_lines_per_record": "20", "bad_records_times_bytes": "6",
    "partial_orders": None,
    "alert_runtime_seconds": "5400", "alert_dq_failed_rows": "100", "alert_raw_orders": "100",
}  # fmt: skip
IS_SALE = {
    "pending": False, "processing": True, "paid": True, "shipped": True, "delivered": True, "completed": True,
    "cancelled": False, "refunded": False, "returned": False, "failed": False,
}  # fmt: skip
SPELLINGS = {
    "order_status": {
        "pending": "pending new open created placed awaiting_payment unpaid checkout-draft"
        " pending_payment payment_review holded pending+-+waiting+for+pick+up",
        "processing": "processing in_progress in+progress confirmed authorized partially_paid unshipped",
        "paid": "paid payment_received captured partially_refunded succeeded no_payment_required",
        "shipped": "shipped dispatched sent in_transit in+transit partiallyshipped shipping shipped+-+picked+up"
        " shipped+-+out+for+delivery",
        "delivered": "delivered received shipped+-+delivered+to+buyer",
        "completed": "completed complete done closed fulfilled",
        "cancelled": "cancelled canceled voided void expired trash",
        "refunded": "refunded refund charged_back",
        "returned": "returned return shipped+-+returned+to+seller shipped+-+returning+to+seller"
        " shipped+-+rejected+by+buyer",
        "failed": "failed declined rejected error fraud",
    },
    "event_type": {
        "page_view": "page_view pageview page+view page screen",
        "product_view": "view product_view view_item view_product product+viewed",
        "click": "click product+clicked select_item", "search": "search products+searched view_search_results",
        "add_to_cart": "add_to_cart addtocart add+to+cart cart_add product+added",
        "remove_from_cart": "remove_from_cart cart_remove product+removed",
        "checkout": "checkout begin_checkout checkout+started",
        "purchase": "purchase transaction order order+completed", "signup": "signup sign_up register signed+up",
        "login": "login signed+in", "logout": "logout signed+out", "session_start": "session_start",
        "wishlist": "wishlist add_to_wishlist product+added+to+wishlist", "share": "share product+shared",
        "review": "review product+reviewed",
    },
}  # fmt: skip
NULL_MARKERS = {
    "\\n", "null", "(null)", "<null>", "nil", "<nil>", "none", "undefined", "nan", "na", "<na>", "n/a", "#n/a", "-",
    "(not set)", "(none)", "(guest)",
}  # fmt: skip
BOUNDS = {
    "orders_volume": (1, None), "events_volume": (1, None), "orders_volume_low": (100, None),
    "events_volume_low": (100, None), "orders_volume_trend": ("0.3", 3), "events_volume_trend": ("0.3", 3),
    "orders_unique": (None, 0), "events_unique": (None, 0), "orders_range": (None, None), "events_range": (None, None),
    "orders_currencies": (None, None), "orders_prices": (None, None),
    "orders_rejected_share": (None, "0.05"), "events_rejected_share": (None, "0.05"),
    "orders_rejected_share_max": (None, "0.25"), "events_rejected_share_max": (None, "0.25"),
    "orders_changed_share": (None, "0.05"),
    "products_rejected_share": (None, "0.05"), "products_rejected_share_max": (None, "0.25"),
    "products_shrink": (None, "0.5"), "products_coverage": (None, "0.05"),
    "products_age": (None, 14), "events_unmapped_types": (None, None),
    "orders_reconcile": (0, 0), "events_reconcile": (0, 0),
    "orders_spreadsheet_ids": (None, None), "events_spreadsheet_ids": (None, None),
    "products_spreadsheet_ids": (None, None), "orders_point_zero_ids": (None, None),
    "events_point_zero_ids": (None, None), "orders_emptied_values": (None, None),
    "events_emptied_values": (None, None), "products_emptied_values": (None, None),
    "orders_without_users": (None, 0), "events_without_users": (None, 0), "events_without_products": (None, 0),
    "orders_rejected_unusual": (None, 4), "events_rejected_unusual": (None, 4),
    "codes_new": (None, 0), "codes_gone": (None, 0), "fields_new": (None, 0), "fields_gone": (None, 0),
} | {
    f"{measure}_unusual": (-4, 4)
    for measure in (
        "orders", "users_ordering", "products_ordered", "net_revenue", "basket", "events", "conversion",
        "orders_without_user", "orders_without_city", "orders_without_source", "orders_after_18",
        "events_without_user", "events_without_product", "orders_week", "net_revenue_week", "events_week",
    )
}  # fmt: skip


def test_the_shipped_settings_codes_statuses_and_thresholds(warehouse: Warehouse) -> None:
    settings = warehouse.rows("SELECT name, value FROM audit.settings")
    assert {row.name: row.value for row in settings} == SETTINGS
    statuses = warehouse.rows("SELECT status, counts_as_sale FROM warehouse.order_statuses")
    assert {row.status: row.counts_as_sale for row in statuses} == IS_SALE
    codes = warehouse.rows("SELECT kind, source_value, canonical_value FROM staging.codes")
    assert {(row.kind, row.source_value): row.canonical_value for row in codes} == {
        (kind, spelling.replace("+", " ")): canonical
        for kind, spellings in SPELLINGS.items()
        for canonical, said in spellings.items()
        for spelling in said.split()
    }
    assert {row.marker for row in warehouse.rows("SELECT marker FROM staging.null_markers")} == NULL_MARKERS
    rules = warehouse.rows("SELECT rule_name, min_value, max_value FROM audit.dq_rules")
    assert {row.rule_name: (row.min_value, row.max_value) for row in rules} == {
        name: tuple(bound if bound is None else Decimal(bound) for bound in bounds) for name, bounds in BOUNDS.items()
    }
    assert warehouse.value("SELECT array_agg(user_id) FROM warehouse.dim_user") == ["(guest)"]
    assert warehouse.value("SELECT array_agg(product_id) FROM warehouse.dim_product") == ["(none)"]


# Each would make a row that lies, or that no lookup finds.
REFUSED = [
    ("UPDATE audit.settings SET value = '-1'", "settings_value_check"),
    ("UPDATE audit.settings SET value = '1e9'", "settings_value_check"),
    ("UPDATE staging.codes SET kind = 'colour'", "codes_kind_check"),
    ("UPDATE staging.codes SET source_value = upper(source_value)", "codes_source_value_check"),
    ("UPDATE staging.codes SET source_value = source_value || ' '", "codes_source_value_check"),
    ("INSERT INTO staging.codes VALUES ('order_status', '', 'paid')", "codes_source_value_check"),
    ("UPDATE staging.codes SET canonical_value = ''", "codes_canonical_value_check"),
    ("INSERT INTO staging.null_markers VALUES ('VOID')", "null_markers_marker_check"),
    ("INSERT INTO staging.null_markers VALUES ('')", "null_markers_marker_check"),
    ("INSERT INTO staging.null_markers VALUES (repeat('x', 65))", "null_markers_marker_check"),
    ("UPDATE audit.dq_rules SET severity = 'fatal'", "dq_rules_severity_check"),
    ("UPDATE audit.dq_rules SET table_name = 'raw.orders_json'", "dq_rules_table_name_fkey"),
    ("INSERT INTO raw.file_loads VALUES (1, 'weather', '2025-12-19', 'a.json', repeat('0', 64), 0, 0, 0)",
     "file_loads_source_fkey"),
    ("INSERT INTO staging.loads VALUES ('2025-12-19', 'weather', 1, 0, 0, 0, 0, 0, '{}')", "loads_source_fkey"),
    ("INSERT INTO audit.step_inputs (step, run_date, digest, rows_in) VALUES ('no step', '2025-12-19', '', 0)",
     "step_inputs_step_fkey"),
    ("INSERT INTO staging.shapes (shape, source) VALUES ('a', 'weather')", "shapes_source_fkey"),
    ("UPDATE audit.steps SET inputs = '{weather}' WHERE step = 'open_run'", "steps_inputs_check"),
    ("UPDATE audit.steps SET needs_pass = true WHERE step = 'open_run'", "steps_needs_pass_check"),
    ("UPDATE audit.dq_rules SET rule_name = repeat('x', 64) WHERE max_value = 14", "dq_rules_rule_name_check"),
    ("UPDATE audit.dq_rules SET rule_name = '' WHERE max_value = 14", "dq_rules_rule_name_check"),
    ("UPDATE audit.dq_rules SET rule_name = 'checked rows' WHERE max_value = 14", "dq_rules_rule_name_check"),
    ("UPDATE audit.dq_rules SET max_value = NULL WHERE max_value = 14", "dq_rules_shape_check"),
    ("INSERT INTO audit.pipeline_runs (run_date, status, triggered_by) VALUES ('2025-12-19', 'dreaming', 'me')",
     "pipeline_runs_status_check"),
    ("INSERT INTO warehouse.daily_metrics (run_date, status) VALUES ('2025-12-19', 'dreaming')",
     "daily_metrics_status_check"),
    ("INSERT INTO warehouse.unseen_members VALUES ('date', '20251219')", "unseen_members_dimension_check"),
    ("INSERT INTO warehouse.dim_product_history (product_id, effective_from, effective_to)"
     " VALUES ('P-1', '2025-12-19', '2025-12-19')", "dim_product_history_effective_to_check"),
    ("INSERT INTO audit.dq_overrides (run_date, reason, allowed_by, staging_versions)"
     " VALUES ('2025-12-19', ' ', 'me', '{1}')", "dq_overrides_reason_check"),
]  # fmt: skip


def test_what_the_tables_themselves_refuse(warehouse: Warehouse) -> None:
    for statement, constraint in REFUSED:
        with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.ForeignKeyViolation)) as caught:
            warehouse.execute(statement)
        assert caught.value.diag.constraint_name == constraint, statement


def test_an_alert_is_for_what_is_beyond_its_threshold_and_says_so(warehouse: Warehouse) -> None:
    columns = "run_date, status, runtime_seconds, dq_failed_count, raw_orders_count"
    for number, values in enumerate([(5400, 100, 100), (5401, 100, 100), (5400, 101, 100), (5400, 100, 99)]):
        warehouse.execute(
            f"INSERT INTO warehouse.daily_metrics ({columns}) VALUES (%s, 'succeeded', %s, %s, %s)",
            DAY + timedelta(number), *values,
        )  # fmt: skip
    alerts = "SELECT run_date, alert, observed, threshold, message FROM audit.alerts ORDER BY run_date, alert"
    assert warehouse.rows(alerts) == [
        (date(2025, 12, 20), "slow run", 5401, 5400, "the run of 2025-12-20 took 5401 s, more than 5400"),
        (date(2025, 12, 21), "quality failures", 101, 100, "on 2025-12-21 101 rows broke a rule, more than 100"),
        (date(2025, 12, 22), "low volume", 99, 100, "on 2025-12-22 99 orders were delivered, fewer than 100"),
    ]
    warehouse.execute("UPDATE audit.settings SET value = NULL WHERE name LIKE 'alert%%'")
    assert warehouse.rows(alerts) == []


def test_health_counts_runs_of_the_last_week_and_month(warehouse: Warehouse) -> None:
    warehouse.landing.orders(DAY, orders(60, DAY))
    warehouse.landing.events(DAY, events(120, DAY))
    warehouse.run(DAY)  # succeeded, with failed warnings: fewer than 100 orders
    warehouse.call("audit.open_run", DAY)  # a run that judged nothing
    warehouse.execute("UPDATE audit.pipeline_runs SET status = 'failed', ended_at = started_at WHERE run_id = 2")
    warehouse.execute(
        "UPDATE audit.pipeline_runs SET started_at = clock_timestamp() - interval '10 seconds',"
        " ended_at = clock_timestamp() WHERE run_id = 1"
    )
    warehouse.landing.events(DAY, [])
    with pytest.raises(psycopg.Error, match="blocked by the quality gate"):
        warehouse.run(DAY)
    # Two weeks ago another, without a failed rule.
    warehouse.execute(
        "INSERT INTO audit.pipeline_runs (run_date, status, triggered_by, started_at, ended_at)"
        " SELECT %s, 'succeeded', 'me', d.at, d.at + interval '40 seconds'"
        " FROM (SELECT now() - interval '14 days') AS d (at)",
        DAY,
    )
    warehouse.execute(
        "INSERT INTO audit.pipeline_runs (run_date, status, triggered_by, started_at)"
        " VALUES (%s, 'failed', 'me', now() - interval '31 days')",
        DAY,
    )
    warehouse.execute(
        "INSERT INTO audit.dq_results"
        " (run_id, run_date, rule_name, check_type, severity, passed, failed_count, message)"
        " SELECT max(run_id), %s, 'mine', 'range', 'warning', true, 0, 'held'"
        " FROM audit.pipeline_runs WHERE status = 'succeeded'",
        DAY,
    )
    rows = warehouse.rows("SELECT measure, days, value, unit FROM audit.health")
    found = {(row.measure, row.days): row.value for row in rows}
    delivered = 60 + 120  # an empty file of events holds none
    size = warehouse.value("SELECT sum(byte_count) FROM raw.file_loads")
    expected = {
        7: {
            "runs": 3, "runs succeeded": THIRD, "runs failed": THIRD, "runs blocked": THIRD,
            "runs with a failed rule": 100, "longest run": 10, "records delivered": delivered, "growth of raw": size,
        },
        30: {
            "runs": 4, "runs succeeded": 50, "runs failed": 25, "runs blocked": 25,
            "runs with a failed rule": Decimal("66.7"), "longest run": 40, "records delivered": delivered,
            "growth of raw": size,
        },
    }  # fmt: skip
    for days, measures in expected.items():
        assert {measure: found[measure, days] for measure in measures} == measures
        assert found["throughput", days] == 18  # 180 rows in ten seconds
    assert {row.measure for row in rows if row.days is None} == {
        f"size of {schema}" for schema in ("raw", "staging", "warehouse", "audit", "marts")
    }
    assert found["size of marts", None] == 0 < found["size of raw", None]
    assert {row.unit for row in rows} == {"runs", "%", "seconds", "rows per second", "records", "bytes"}


def test_a_gate_without_rules_lets_the_day_through_and_counts_nothing(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false")
    warehouse.landing.orders(DAY, orders(1, DAY))
    warehouse.run(DAY)
    step = warehouse.row("SELECT * FROM audit.pipeline_steps WHERE step = 'check_quality'")
    assert (step.status, step.rows_in, step.rows_out, step.rows_rejected) == ("succeeded", 1, 0, 0)
    assert warehouse.rows("SELECT * FROM audit.dq_results") == []
