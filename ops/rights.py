"""Proves the rights of the warehouse, and what its database gives every login; says what a migrating login lacks."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ops.statements import OWNER, PRIVILEGES, PROJECT, MigrationError, execute, run_sql, value

SCHEMA = PROJECT / "db" / "schema"
# Roles that own the functions in which they evaluate what people wrote.
EVALUATORS = ("warehouse_checker", "warehouse_shaper")
# What our files say of these is all that they may do with what our files make. Logins of your own are yours to grant.
GRANTEES = (
    "PUBLIC",
    "warehouse_loader",
    "warehouse_runner",
    "warehouse_analyst",
    "warehouse_bi",
    "warehouse_reporter",
    *EVALUATORS,
)
# Who makes temporary tables; a login of a BI tool does not.
TEMPORARY = (OWNER, "warehouse_loader", "warehouse_runner", "warehouse_analyst", *EVALUATORS)
SCHEMAS = ("raw", "staging", "shapes", "warehouse", "audit", "marts")

# What is wrong with the path that the database gives every login: no path of its own, or a schema on it in which others
# than its owner, the database's and the warehouse's may make things.
UNSAFE_PATH = """
    SELECT array_remove(array_agg(
        CASE WHEN s.path IS NULL THEN 'no path is set'
             WHEN EXISTS (SELECT FROM pg_catalog.pg_namespace AS n,
                              aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
                          WHERE n.nspname = ANY (s.path) AND a.privilege_type = 'CREATE' AND a.grantee NOT IN (
                              SELECT r.oid FROM pg_catalog.pg_roles AS r
                              WHERE r.rolsuper OR r.oid = b.datdba
                                 OR r.rolname IN ('pg_database_owner', 'warehouse_owner')))
             THEN 'others make things in ' || array_to_string(s.path, ', ')
        END), NULL)
    FROM pg_catalog.pg_database AS b
    LEFT JOIN LATERAL (
        SELECT regexp_split_to_array(replace(substr(t.setting, 13), '"', ''), ',\\s*') AS path
        FROM pg_catalog.pg_db_role_setting AS d, unnest(d.setconfig) AS t (setting)
        WHERE d.setdatabase = b.oid AND d.setrole = 0 AND t.setting LIKE 'search_path=%'
    ) AS s ON true
    WHERE b.datname = current_database()
"""

# What the login lacks to make the warehouse in an empty database, or to bring one that is there up to date, with the
# statement that gives it. Some of it is only known to be lacking where the roles are there already.
LACKING = f"""
    WITH facts AS (
        SELECT r.rolname, r.rolcreaterole, d.datname, pg_has_role(d.datdba, 'USAGE') AS is_owner,
               to_regnamespace('audit') IS NOT NULL AS is_made,
               has_table_privilege(to_regclass('public.alembic_version'), 'UPDATE') AS may_record,
               -- The owner of the database is public's, too, unless the database has come from PostgreSQL 14.
               p.nspowner <> to_regrole('pg_database_owner')
                   AND NOT pg_has_role(p.nspowner, 'USAGE') AS is_others_public,
               has_schema_privilege('public', p.oid, 'CREATE') AS is_open,
               to_regrole('warehouse_owner') IS NOT NULL
                   AND has_schema_privilege(to_regrole('warehouse_owner'), p.oid, 'CREATE') AS has_public
        FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d, pg_catalog.pg_namespace AS p
        WHERE r.rolname = current_user AND d.datname = current_database() AND p.nspname = 'public' AND NOT r.rolsuper
    ),
    needed (name, place) AS (VALUES ('warehouse_owner', 1), ('warehouse_loader', 2), ('warehouse_runner', 3),
                                    ('warehouse_checker', 4), ('warehouse_shaper', 5), ('warehouse_analyst', 6),
                                    ('warehouse_bi', 7), ('warehouse_reporter', 8)),
    -- Who may make roles is on PostgreSQL 15 as good as the server's user: we ask for the roles, not for that right.
    missing (name, place) AS (
        SELECT n.name, n.place FROM needed AS n, facts AS f
        -- These are younger than warehouses that are updated.
        WHERE NOT f.rolcreaterole AND (NOT f.is_made OR n.name IN ('warehouse_shaper', 'warehouse_bi'))
          AND to_regrole(n.name) IS NULL
    )
    SELECT * FROM (
        SELECT 'the role ' || m.name, format('CREATE ROLE %I NOLOGIN;', m.name) FROM missing AS m ORDER BY m.place
    ) AS r
    UNION ALL
    SELECT 'membership in ' || m.name, format('GRANT %I TO %I;', m.name, f.rolname)
    FROM facts AS f, missing AS m WHERE m.name = 'warehouse_owner'
    UNION ALL
    SELECT 'the owner''s membership in ' || m.name, format('GRANT %I TO warehouse_owner;', m.name)
    FROM missing AS m WHERE m.name IN {EVALUATORS}
    UNION ALL
    SELECT 'the database', format('ALTER DATABASE %I OWNER TO %I;', f.datname, f.rolname)
    FROM facts AS f
    WHERE NOT f.is_owner AND NOT f.is_made
    UNION ALL
    SELECT 'membership in ' || n.name, format('GRANT %I TO %I;', n.name, f.rolname)
    FROM facts AS f, needed AS n
    WHERE n.name IN ('warehouse_owner', 'warehouse_checker', 'warehouse_shaper') AND to_regrole(n.name) IS NOT NULL
      AND NOT pg_has_role(to_regrole(n.name), 'USAGE')
      -- Before PostgreSQL 16 who may make roles may grant them, too.
      AND NOT (f.rolcreaterole AND current_setting('server_version_num')::integer < 160000)
    UNION ALL
    SELECT 'the table of revisions',
           'GRANT SELECT, INSERT, UPDATE, DELETE ON public.alembic_version TO warehouse_owner;'
    FROM facts AS f
    WHERE f.is_made AND NOT f.may_record
    UNION ALL
    SELECT 'a public schema in which not everybody makes things', 'REVOKE CREATE ON SCHEMA public FROM PUBLIC;'
    FROM facts AS f
    WHERE f.is_others_public AND f.is_open
    UNION ALL
    SELECT 'a schema for what the owner names without one', 'GRANT USAGE, CREATE ON SCHEMA public TO warehouse_owner;'
    FROM facts AS f
    WHERE f.is_others_public AND (f.is_open OR NOT f.has_public) AND to_regrole('warehouse_owner') IS NOT NULL
    UNION ALL
    SELECT 'a search path on which only the owner makes things',
           format('ALTER DATABASE %I SET search_path = public;', f.datname)
    FROM facts AS f
    WHERE f.is_made AND NOT f.is_owner AND pg_catalog.array_length(({UNSAFE_PATH}), 1) > 0
"""

OWNS_DATABASE = """
    SELECT pg_has_role(d.datdba, 'USAGE') FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()
"""
NO_TEMPORARY = """
    SELECT r.name FROM unnest(%s::text[]) AS r (name)
    WHERE NOT has_database_privilege(r.name, current_database(), 'TEMPORARY')
"""

# What people granted on their own is theirs; what the files say is compared as it is, line by line.
RIGHTS = f"""
    SELECT c.kind, c.object, c.name, a.grantor, a.grantee, a.privilege_type, a.is_grantable
    FROM (
        SELECT 'schema', n.oid, n.nspname::text, coalesce(n.nspacl, acldefault('n', n.nspowner))
        FROM pg_catalog.pg_namespace AS n WHERE n.nspname IN {SCHEMAS}
        UNION ALL
        SELECT 'table', r.oid, r.oid::regclass::text,
               coalesce(r.relacl, acldefault(CASE WHEN r.relkind = 'S' THEN 's' ELSE 'r' END::"char", r.relowner))
        FROM pg_catalog.pg_class AS r
        WHERE r.relnamespace::regnamespace::text IN {SCHEMAS} AND r.relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT 'routine', p.oid, p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_catalog.pg_proc AS p WHERE p.pronamespace::regnamespace::text IN {SCHEMAS}
        UNION ALL
        SELECT 'new routines', d.defaclrole, d.defaclrole::regrole::text, d.defaclacl
        FROM pg_catalog.pg_default_acl AS d
        WHERE d.defaclrole = '{OWNER}'::regrole AND d.defaclobjtype = 'f'
    ) AS c (kind, object, name, acl)
    LEFT JOIN LATERAL aclexplode(c.acl) AS a ON true
"""
# Whose is what our files make, of what is there.
OWNERS = """
    SELECT o.kind, o.name,
           pg_get_userbyid(CASE o.kind
               WHEN 'schema' THEN (SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = o.name)
               WHEN 'routine' THEN (SELECT p.proowner FROM pg_catalog.pg_proc AS p
                                    WHERE p.oid = to_regprocedure(o.name))
               ELSE (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass(o.name))
           END)
    FROM unnest(%s::text[], %s::text[]) AS o (kind, name)
    WHERE CASE o.kind WHEN 'schema' THEN to_regnamespace(o.name) IS NOT NULL
                      WHEN 'routine' THEN to_regprocedure(o.name) IS NOT NULL
                      ELSE to_regclass(o.name) IS NOT NULL END
"""
OWN_ROUTINES = f"""
    SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace::regnamespace::text IN {SCHEMAS} AND p.proowner::regrole::text IN {(OWNER, *EVALUATORS)}
"""
# Objects that our files make in a schema, whatever else they say.
MAKES = re.compile(r"^CREATE (TABLE|VIEW|SEQUENCE) ((?:raw|staging|shapes|warehouse|audit)\.\w+)", re.MULTILINE)

log = logging.getLogger("alembic.warehouse")


def prove_database(connection: Connection) -> None:
    """Give the database a path on which only its owner and the warehouse's make things, where it has none, and the
    warehouse's owner its place, as in a database that was restored without db/schema/roles.sql."""
    if value(connection, "SELECT has_schema_privilege('public', 'public', 'CREATE')"):
        execute(connection, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    if not value(connection, f"SELECT has_schema_privilege('{OWNER}', 'public', 'CREATE')"):
        execute(connection, f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}")
    name = value(connection, "SELECT quote_ident(current_database())").replace("%", "%%")
    if not value(connection, f"SELECT has_database_privilege('{OWNER}', current_database(), 'CREATE')"):
        execute(connection, f"GRANT CREATE, TEMPORARY ON DATABASE {name} TO {OWNER}")
    if value(connection, "SELECT has_database_privilege('public', current_database(), 'TEMPORARY')"):
        if value(connection, OWNS_DATABASE):
            execute(connection, f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
        else:
            log.info("Logins of BI tools may fill the disk with temporary tables; as the database's owner:")
            log.info("  REVOKE TEMPORARY ON DATABASE %s FROM PUBLIC;", name.replace("%%", "%"))
    for (role,) in execute(connection, NO_TEMPORARY, (list(TEMPORARY),)).all():
        execute(connection, f"GRANT TEMPORARY ON DATABASE {name} TO {role}")
    if wrong := value(connection, UNSAFE_PATH.replace("%", "%%")):
        execute(connection, f"ALTER DATABASE {name} SET search_path = public")
        log.info("Set the database's search_path to public: %s", "; ".join(wrong))


def prove_rights(connection: Connection, procedures: Path) -> None:
    """Set what the files say of schemas, tables and routines (`procedures`), and keep it if anything was otherwise.

    Raises MigrationError when something of ours is somebody else's.
    """
    if not all(value(connection, "SELECT to_regnamespace(%s) IS NOT NULL", (name,)) for name in SCHEMAS):
        run_sql(connection, SCHEMA / "schemas.sql", role=OWNER)  # a dump of the warehouse has no marts
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SCHEMA.rglob("*.sql")))
    objects = {("sequence" if kind == "SEQUENCE" else "table", name) for kind, name in MAKES.findall(text)}
    objects |= {("schema", name) for name in SCHEMAS}
    rows = execute(connection, "SELECT unnest(routines) FROM audit.routine_files").all()
    objects |= {("routine", signature) for (signature,) in rows}
    kinds, names = zip(*sorted(objects), strict=True)
    owners = execute(connection, OWNERS, (list(kinds), list(names))).all()
    if strange := [f"{kind} {name} ({owner})" for kind, name, owner in owners if owner not in (OWNER, *EVALUATORS)]:
        raise MigrationError(
            f"{len(strange)} objects of the warehouse are not {OWNER}'s: {', '.join(strange[:3])}, …\n"
            f"HINT: restore with owners, as a superuser; or, for each of them: ALTER … OWNER TO {OWNER};"
        )
    before = _rights(connection)
    nested = connection.begin_nested()
    execute(connection, f"SET LOCAL ROLE {OWNER}")
    same: dict[tuple[str, str], list[str]] = {}
    for kind, name, owner in owners:
        same.setdefault((kind, owner), []).append(name)
    for (kind, owner), named in same.items():
        # What is an evaluator's own stays its own.
        grantees = ", ".join(role for role in GRANTEES if role != owner)
        execute(connection, f"REVOKE ALL ON {kind} {', '.join(named)} FROM {grantees}")
    execute(connection, f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    # Those of the schema's files, and the owner's own: what is said of PUBLIC is of all of them.
    routines = {("routine", name) for (name,) in execute(connection, OWN_ROUTINES).all()}
    made = sorted({(kind, name) for kind, name, _ in owners} | routines)
    for folder in (SCHEMA, procedures):
        run_sql(connection, folder / PRIVILEGES, role=OWNER, change=lambda text: _spelled_out(text, made))
    after = _rights(connection)
    if before == after:
        nested.rollback()
        return
    nested.commit()
    changed = sorted({name for _, _, name, *_ in before ^ after})
    log.info("Set the rights of %s: %s", len(changed), ", ".join(changed[:5]) + (", …" if len(changed) > 5 else ""))


def _spelled_out(text: str, objects: Sequence[tuple[str, str]]) -> str:
    """Return the text of a file of privileges with what our files make instead of all that is in a schema.

    Partitions are reached through their parents, and what people made there is not ours to grant.
    """

    def names(found: re.Match[str]) -> str:
        schemas = re.findall(r"\w+", found[2])
        kind = found[1].removesuffix("S").lower()
        return f"ON {found[1][:-1]} " + ", ".join(
            name for known, name in objects if known == kind and name.partition(".")[0] in schemas
        )  # fmt: skip

    return re.sub(r"ON ALL (TABLES|ROUTINES) IN SCHEMA ((?:\w+, )*\w+)", names, text)


def _rights(connection: Connection) -> set[tuple[Any, ...]]:
    """Return the rights on everything in our schemas, one a row."""
    return {tuple(row) for row in execute(connection, RIGHTS.replace("%", "%%")).all()}


def tell_analysts(connection: Connection) -> None:
    """Say how logins of analysts get marts on their path, which the database gives nobody any more."""
    rows = execute(
        connection,
        "SELECT format('ALTER ROLE %I IN DATABASE %I SET search_path = marts, public;', r.rolname, current_database())"
        " FROM pg_catalog.pg_roles AS r"
        " WHERE r.rolcanlogin AND NOT r.rolsuper AND pg_has_role(r.oid, 'warehouse_analyst', 'USAGE')"
        " AND NOT pg_has_role(r.oid, 'warehouse_owner', 'USAGE') ORDER BY r.rolname".replace("%", "%%"),
    ).all()
    if rows:
        log.info(
            "marts is on no login's path any more. For analysts who leave it out in their queries, as a superuser:"
        )
    for (statement,) in rows:
        log.info("  %s", statement)
