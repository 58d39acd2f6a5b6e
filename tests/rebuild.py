"""A warehouse with nothing but raw: the last resort, from which runs make everything again."""

from tests.conftest import Warehouse


def empty_all_but_raw(warehouse: Warehouse) -> None:
    """Take away all that runs have made; codes, null markers, fields, statuses, rules, steps and settings stay."""
    partitions = warehouse.rows(
        "SELECT c.oid::regclass::text AS name FROM pg_class c"
        " WHERE c.relnamespace IN ('staging'::regnamespace, 'warehouse'::regnamespace)"
        "   AND c.relispartition AND c.relkind = 'r'"
    )
    for row in partitions:
        warehouse.execute(f"DROP TABLE {row.name}")
    made = warehouse.rows(
        "SELECT string_agg(c.oid::regclass::text, ', ') AS names FROM pg_class c"
        " WHERE c.relnamespace IN ('staging'::regnamespace, 'warehouse'::regnamespace, 'audit'::regnamespace)"
        "   AND c.relkind IN ('r', 'p')"
        "   AND c.relname NOT IN ('codes', 'null_markers', 'fields', 'order_statuses', 'funnel_stages', 'dq_rules',"
        "                         'settings', 'steps', 'measures', 'expected_days',"
        "                         'routine_files', 'erasures', 'erased_users')"
    )
    warehouse.execute(f"TRUNCATE {made[0].names}")
    warehouse.execute("INSERT INTO warehouse.dim_user (user_id, is_inferred) VALUES ('(guest)', true)")
    warehouse.execute("INSERT INTO warehouse.dim_product (product_id, is_inferred) VALUES ('(none)', true)")
