"""Makes every statement of the warehouse's PL/pgSQL a place to stop at, in a database made for that.

PostgreSQL has no way to stop between two statements of a routine without an extension. So the routines' text is
rewritten: before each statement, and before the END of each block, comes `ASSERT kills.at('routine:line');`. An
ASSERT of a plain function call changes neither FOUND nor ROW_COUNT nor the open transaction. `kills.at` counts its
calls, and at the one that the database's setting kills.stop_at names it tells the harness through a named pipe and
waits. With 0 it tells of every call and never waits; without the setting it does nothing.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

# The advisory lock that the harness holds for as long as whoever stopped is to wait.
STAY = (715, 1)

TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<text>[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<tag>\$\w*\$).*?(?P=tag))
      | (?P<word>[A-Za-z_]\w*)
      | (?P<other>:=|<<|>>|.)""",
    re.VERBOSE | re.DOTALL,
)

SETUP = """
CREATE SCHEMA kills;
GRANT USAGE ON SCHEMA kills TO PUBLIC;
CREATE SEQUENCE kills.counter;
CREATE FUNCTION kills.at(p_place text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = 0 SET statement_timeout = 0
AS $at$
DECLARE
    v_stop_at text := current_setting('kills.stop_at', true);
    v_number  bigint;
BEGIN
    -- A sequence counts on whatever is rolled back; where nothing may be written it cannot be asked.
    IF coalesce(v_stop_at, '') = '' OR current_setting('transaction_read_only')::boolean THEN
        RETURN true;
    END IF;
    v_number := nextval('kills.counter');
    IF v_number = v_stop_at::bigint OR v_stop_at = '0' THEN
        EXECUTE format('COPY (SELECT %L) TO %L',
                       format('%s server %s %s', pg_backend_pid(), v_number, p_place), {pipe});
    END IF;
    IF v_number = v_stop_at::bigint THEN
        PERFORM pg_advisory_lock_shared({stay});
        PERFORM pg_advisory_unlock_shared({stay});
    END IF;
    RETURN true;
END
$at$;
CREATE FUNCTION kills.at_ddl() RETURNS event_trigger LANGUAGE plpgsql
AS $at_ddl$
BEGIN
    PERFORM kills.at(tg_tag);
END
$at_ddl$;
"""

# Rows are read by these on parallel workers, which may not count; they write nothing.
ROUTINES = """
SELECT p.oid::regprocedure::text, p.prosrc, pg_get_functiondef(p.oid)
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
WHERE p.pronamespace::regnamespace::text = ANY (%s) AND p.proparallel <> 's' AND p.prorettype <> 'trigger'::regtype
ORDER BY 1
"""
SCHEMAS = ["raw", "staging", "warehouse", "audit"]


def install(connection: psycopg.Connection, pipe: Path) -> int:
    """Make every statement of the database's routines a place to stop at. Return how many there are."""
    stay = sql.SQL("{}, {}").format(*STAY)
    connection.execute(sql.SQL(SETUP).format(pipe=sql.Literal(str(pipe)), stay=stay))
    places = 0
    for signature, source, definition in connection.execute(ROUTINES, [SCHEMAS]).fetchall():
        stops = list(statements(source))
        name = signature.partition("(")[0]
        parts, end = [], 0
        for offset, keyword in stops:
            place = f"{name}:{source.count(chr(10), 0, offset)}"
            # SET TRANSACTION has to come first in a transaction: the one that counting began ends here.
            commit = "COMMIT; " if keyword == "SET TRANSACTION" else ""
            parts += [source[end:offset], f"ASSERT kills.at('{place}'); {commit}"]
            end = offset
        places += len(stops)
        connection.execute(definition.replace(source, "".join(parts) + source[end:]).encode())
    return places


def stop_at_ddl(connection: psycopg.Connection) -> None:
    """Make every DDL statement of the database a place to stop at, too."""
    connection.execute("CREATE EVENT TRIGGER kills ON ddl_command_start EXECUTE FUNCTION kills.at_ddl()")


def do_not_stop_at_ddl(connection: psycopg.Connection) -> None:
    """Take that back."""
    connection.execute("DROP EVENT TRIGGER kills")


def statements(source: str) -> Iterator[tuple[int, str]]:
    """Yield where each statement of a PL/pgSQL body begins, and its first words; the END of a block is one, too."""
    tokens = [
        (match.start(), match["word"].upper() if match["word"] else match[0])
        for match in TOKEN.finditer(source)
        if not match["space"]
    ]
    position = 0
    opened: list[str] = []

    def skip_to(*ends: str) -> None:
        """Go behind the next of these words that is in no parentheses and no CASE of an expression."""
        nonlocal position
        depth = 0
        while depth or tokens[position][1] not in ends:
            token = tokens[position][1]
            depth += (token in ("(", "[", "CASE")) - (token in (")", "]") or (token == "END" and depth > 0))
            position += 1
        position += 1

    if tokens[0][1] == "DECLARE":
        skip_to("BEGIN")
        position -= 1
    while position < len(tokens):
        offset, word = tokens[position]
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        if word == "<<":
            skip_to(">>")
        elif word == "DECLARE":
            skip_to("BEGIN")
            position -= 1
        elif word == "BEGIN":
            opened.append("BLOCK")
            position += 1
        elif word == "EXCEPTION":
            opened[-1] = "HANDLERS"
            yield offset, word
            position += 1
        elif word in ("WHEN", "ELSIF", "ELSEIF"):
            skip_to("THEN")
        elif word == "ELSE":
            position += 1
        elif word == "END":
            if opened.pop() == "BLOCK":
                yield offset, word
            # The END of the body needs no semicolon.
            if ";" in (token for _, token in tokens[position:]):
                skip_to(";")
            else:
                return
        else:
            yield offset, f"{word} {following}"
            if word == "IF":
                opened.append(word)
                skip_to("THEN")
            elif word in ("LOOP", "FOR", "FOREACH", "WHILE"):
                opened.append("LOOP")
                skip_to("LOOP")
            elif word == "CASE":
                raise ValueError("a CASE statement: teach this scanner about it")
            else:
                skip_to(";")
