"""The benchmark compares like with like: who loads row by row arrives at the same facts as the warehouse."""

from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bench import row_by_row
from demo.shop import Shop
from glue.connection import connect
from glue.extract import SOURCES, extract
from tests.conftest import Warehouse

# What is compared are two programs; that the warehouse's steps hold on every version is for the other tests.
pytestmark = pytest.mark.once
DAY = date(2025, 12, 19)
FACTS = """
    SELECT 'order', order_id, line_number::text, user_id, product_id, date_id, revenue, order_ts, status
    FROM {0}.fact_orders
    UNION ALL
    SELECT 'event', event_id, NULL, user_id, product_id, date_id, NULL, event_ts, event_type FROM {0}.fact_events
    ORDER BY 1, 2, 3, 8
"""
PEOPLE = "SELECT user_id, city, signup_date, marketing_source, first_seen_at, last_seen_at FROM {0}.dim_user ORDER BY 1"


def test_row_by_row_arrives_at_the_same_facts_as_the_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    list(Shop(DAY, days=1).deliver(landing))
    with closing(connect(warehouse.dsn)) as connection:
        for source in SOURCES[:2]:
            extract(source, DAY, connection=connection, landing=str(landing), say=lambda line: None)
        # The only day of this shop is the one on which a till was broken.
        connection.execute("UPDATE audit.dq_rules SET severity = 'warning' WHERE severity = 'critical'")
        # Nor does it reject an order whole.
        connection.execute("UPDATE audit.settings SET value = '1' WHERE name = 'partial_orders'")
        connection.execute("CALL warehouse.run_day(%s)", [DAY])

    with psycopg.connect(warehouse.dsn, autocommit=False, options="-c timezone=UTC -c search_path=rows") as connection:
        connection.execute("CREATE SCHEMA rows")
        connection.execute(row_by_row.SCHEMA)
        connection.execute("INSERT INTO codes SELECT kind, source_value, canonical_value FROM staging.codes")
        row_by_row.load(connection, landing, DAY)

        def both(query: str) -> list[list[Any]]:
            return [
                connection.execute(sql.SQL(query).format(sql.Identifier(schema))).fetchall()
                for schema in ("warehouse", "rows")
            ]

        facts, others = both(FACTS)
        assert len(facts) > 15_000
        assert facts == others
        people, others = both(PEOPLE)
        assert people == others
