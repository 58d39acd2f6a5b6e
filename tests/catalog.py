"""What a database is, as sets of rows from its catalog that can be compared between databases."""

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import tuple_row

SCHEMAS = ("raw", "staging", "shapes", "warehouse", "audit", "marts")

# Each query returns an object's name first, then what it is. None mentions an oid, a time or a size.
# %(schemas)s are the product's schemas.
IN_SCHEMAS = "n.nspname = ANY (%(schemas)s)"
QUERIES = {
    "schemas": f"""
        SELECT n.nspname, pg_get_userbyid(n.nspowner), pg_temp.acl(n.nspacl),
               obj_description(n.oid, 'pg_namespace')
        FROM pg_namespace AS n WHERE {IN_SCHEMAS}""",
    "relations": f"""
        SELECT c.oid::regclass::text, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner),
               pg_temp.acl(coalesce(c.relacl, acldefault(CASE WHEN c.relkind = 'S' THEN 's'::"char" ELSE 'r' END,
                                                         c.relowner))),
               pg_temp.options(c.reloptions), am.amname, c.relrowsecurity, c.relreplident,
               pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid), obj_description(c.oid, 'pg_class')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_am AS am ON am.oid = c.relam
        WHERE {IN_SCHEMAS}""",
    "columns": f"""
        SELECT c.oid::regclass::text || '.' || a.attname,
               row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum),
               format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
               a.attidentity, a.attgenerated, a.attcollation::regcollation::text, a.attstorage, a.attcompression,
               a.attstattarget, pg_temp.options(a.attoptions), pg_temp.acl(a.attacl), col_description(c.oid, a.attnum)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {IN_SCHEMAS} AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f')""",
    "constraints": f"""
        SELECT coalesce(NULLIF(k.conrelid, 0)::regclass::text, k.contypid::regtype::text) || '.' || k.conname,
               k.contype, pg_get_constraintdef(k.oid), k.convalidated, k.condeferrable, k.condeferred,
               k.connoinherit, obj_description(k.oid, 'pg_constraint')
        FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace WHERE {IN_SCHEMAS}""",
    "indexes": f"""
        SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered,
               i.indisunique, i.indnullsnotdistinct
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {IN_SCHEMAS}""",
    "views": f"""
        SELECT c.oid::regclass::text, pg_get_viewdef(c.oid)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE {IN_SCHEMAS} AND c.relkind IN ('v', 'm')""",
    "sequences": f"""
        SELECT s.seqrelid::regclass::text, s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmin,
               s.seqmax, s.seqcache, s.seqcycle,
               (SELECT d.refobjid::regclass::text || '.' || a.attname FROM pg_depend AS d
                JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                WHERE d.objid = s.seqrelid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)
        FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {IN_SCHEMAS}""",
    "types": f"""
        SELECT t.oid::regtype::text, t.typtype, pg_get_userbyid(t.typowner), pg_temp.acl(t.typacl), t.typnotnull,
               t.typdefault, format_type(t.typbasetype, t.typtypmod), obj_description(t.oid, 'pg_type'),
               (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)::text FROM pg_enum AS e
                WHERE e.enumtypid = t.oid)
        FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
        WHERE {IN_SCHEMAS} AND t.typelem = 0""",
    "triggers": f"""
        SELECT t.tgrelid::regclass::text || '.' || t.tgname, pg_get_triggerdef(t.oid), t.tgenabled,
               obj_description(t.oid, 'pg_trigger')
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {IN_SCHEMAS} AND NOT t.tgisinternal""",
    # The definition has language, volatility, security, parallel safety, cost, SET and the body in it.
    "routines": f"""
        SELECT p.oid::regprocedure::text, p.prokind, pg_get_userbyid(p.proowner), pg_temp.acl(p.proacl),
               obj_description(p.oid, 'pg_proc'), CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE {IN_SCHEMAS}""",
    "statistics": f"""
        SELECT s.stxname, pg_get_statisticsobjdef(s.oid)
        FROM pg_statistic_ext AS s JOIN pg_namespace AS n ON n.oid = s.stxnamespace WHERE {IN_SCHEMAS}""",
    "rules": f"""
        SELECT r.ev_class::regclass::text || '.' || r.rulename, pg_get_ruledef(r.oid)
        FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {IN_SCHEMAS} AND r.rulename <> '_RETURN'""",
    "policies": """
        SELECT polrelid::regclass::text || '.' || polname, polcmd, polpermissive,
               pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy""",
    "default privileges": """
        SELECT pg_get_userbyid(defaclrole) || ' ' || coalesce(n.nspname, '') || ' ' || defaclobjtype::text,
               pg_temp.acl(defaclacl)
        FROM pg_default_acl LEFT JOIN pg_namespace AS n ON n.oid = defaclnamespace""",
    "extensions": "SELECT extname FROM pg_extension",
    "event triggers": "SELECT evtname, evtevent, evtenabled FROM pg_event_trigger",
    "database": """
        SELECT 'this', pg_temp.acl(datacl),
               (SELECT array_agg(setting ORDER BY setting)::text
                FROM pg_db_role_setting AS s, unnest(setconfig) AS setting
                WHERE s.setdatabase = d.oid)
        FROM pg_database AS d WHERE datname = current_database()""",
    "public": """
        SELECT c.oid::regclass::text, c.relkind FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'alembic_version%%'""",
}
# Grants in an order of their own; options that somebody set, not those that the server keeps for itself: names that
# start with pg_ are PostgreSQL's, and 15.20 writes pg_attver into the options of every column.
HELPERS = """
CREATE OR REPLACE FUNCTION pg_temp.acl(p_acl aclitem[]) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(p_acl) AS item $$;
CREATE OR REPLACE FUNCTION pg_temp.options(p_options text[]) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(option, ' ' ORDER BY option) FROM unnest(p_options) AS option WHERE option NOT LIKE 'pg\\_%' $$
"""

Catalog = dict[str, set[tuple[Any, ...]]]


def read(connection: psycopg.Connection[Any]) -> Catalog:
    """Return {kind: rows} of the database."""
    connection.execute(HELPERS)
    # Nothing of ours is on the path, so that every name comes out with its schema.
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        cursor = connection.cursor(row_factory=tuple_row)
        return {
            kind: set(cursor.execute(query, {"schemas": list(SCHEMAS)}))  # type: ignore[arg-type]
            for kind, query in QUERIES.items()
        }


def differences(left: Catalog, right: Catalog, names: tuple[str, str]) -> list[str]:
    """Return lines that say what only one of two databases has, or has otherwise."""
    lines = []
    for kind in left:
        lines += [f"{kind}: only {names[0]}: {_short(row)}" for row in _sorted(left[kind] - right[kind])]
        lines += [f"{kind}: only {names[1]}: {_short(row)}" for row in _sorted(right[kind] - left[kind])]
    return lines


def _sorted(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: tuple(map(str, row)))


def _short(row: tuple[Any, ...]) -> str:
    return " | ".join("" if value is None else str(value) for value in row)
