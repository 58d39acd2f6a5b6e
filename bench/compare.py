"""Two variants of the warehouse in one run: another checkout, other server settings, other client settings.

Each variant is migrated and run by its own code, in processes of its own. The variants take turns, and must leave the
same rows in the same tables: what costs less and says something else is no saving.
"""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.measure import BenchError, Cost, Server, median, run
from bench.ours import SOURCES, STEPS, environment

# What a release says of itself, and what runs say of themselves: their numbers and clocks.
NOT_COMPARED = {
    "audit.dq_rules", "audit.input_states", "audit.inputs", "audit.pipeline_runs", "audit.pipeline_steps",
    "audit.routine_files", "audit.settings",
    "audit.step_inputs", "audit.steps", "raw.sources", "staging.codes", "staging.fields", "staging.null_markers",
    "warehouse.order_statuses",
}  # fmt: skip
# Which line of which file a fact came from, and the books of a day: rows that the surrogate numbers left out below tie.
VIEWS = ("audit.day_deliveries", "audit.day_lines", "audit.day_statuses", "audit.day_superseded", "audit.lineage")
CLOCKS = {
    "allowed_at", "applied_at", "checked_at", "created_at", "delivered_again_at", "dropped_at", "ended_at", "erased_at",
    "ingested_at", "judged_at", "rows_per_second", "runtime_seconds", "started_at", "updated_at", "worked_at",
}  # fmt: skip
SURROGATES = {"load_ids", "staging_version", "staging_versions"}
COLUMNS = """
    SELECT format('%I.%I', n.nspname, t.relname), a.attname, a.atttypid = 'bigint'::regtype AND a.attname LIKE '%\\_id'
    FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace JOIN pg_attribute AS a ON a.attrelid = t.oid
    WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit') AND a.attnum > 0 AND NOT a.attisdropped
      AND ((t.relkind IN ('r', 'p') AND NOT t.relispartition)
           OR format('%I.%I', n.nspname, t.relname) = ANY (ARRAY['{views}']))
    ORDER BY 1, a.attnum
"""
FIGURES = ("cpu", "wall", "behind", "wal", "temporary", "rss")


@dataclass(frozen=True)
class Variant:
    """A checkout, the server that it runs on, and what its sessions are told. `name` is what tables call it."""

    name: str
    key: str
    server: Server
    checkout: Path
    pgoptions: str = ""

    @contextlib.contextmanager
    def template(self) -> Iterator[str]:
        """Make an empty warehouse, migrated by the variant's own code."""
        with self.server.database(f"bench_template_{self.key}") as dbname:
            self._glue("migrate", env={"WAREHOUSE_DSN": self.server.dsn(dbname)})
            yield dbname

    def load(self, dbname: str, landing: Path, day: date, *, jobs: int) -> dict[str, Cost]:
        """Measure a day: files in, metrics out."""
        command = ("run", f"{day}", "--jobs", f"{jobs}")
        return {
            "run": self.server.measure(dbname, lambda: self._glue(*command, env=self._environment(dbname, landing)))
        }

    def steps(self, dbname: str, landing: Path, day: date) -> dict[str, Cost]:
        """Measure each step of a day by itself, one after the other."""
        costs, env = {}, self._environment(dbname, landing)
        for source in SOURCES:
            costs[f"extract_{source}"] = self.server.measure(
                dbname, lambda source=source: self._glue("extract", source, f"{day}", env=env)
            )
        options = f"-c timezone=UTC {self.pgoptions}"
        with psycopg.connect(self.server.dsn(dbname), autocommit=True, options=options) as connection:
            for step in STEPS:
                costs[step.partition(".")[2]] = self.server.measure(
                    dbname, lambda step=step: connection.execute(f"CALL {step}(%s)", [day]) and None
                )
        return costs

    def _environment(self, dbname: str, landing: Path) -> dict[str, str]:
        return environment(self.server, dbname, landing) | ({"PGOPTIONS": self.pgoptions} if self.pgoptions else {})

    def _glue(self, *arguments: str, env: Mapping[str, str]) -> Cost:
        return run([sys.executable, "-m", "glue", *arguments], env=env, cwd=self.checkout)[0]


def commit(checkout: Path) -> str:
    """Return what a checkout is called: its commit, and whether there are changes on top; without git its folder."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(checkout), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        if Path(git("rev-parse", "--show-toplevel")).resolve() == checkout.resolve():
            changes = git("status", "--porcelain", "--untracked-files=no")
            return git("rev-parse", "--short", "HEAD") + (" + changes" if changes else "")
    return checkout.resolve().name


# -- what costs what ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Days:
    """The day that is measured, and a small one before it, so that nobody starts from nothing."""

    landing: Path
    day: date
    landing_before: Path
    before: date


def measure(
    variants: Sequence[Variant], days: Days, *, rounds: int, jobs: int, steps: bool, leave_out: Collection[str] = ()
) -> tuple[dict[str, list[dict[str, Cost]]], "Digests"]:
    """Return the costs of each variant, round by round and step by step, and what was compared.

    Raises BenchError when the variants left other rows.
    """
    costs: dict[str, list[dict[str, Cost]]] = {variant.name: [] for variant in variants}
    with contextlib.ExitStack() as templates:
        made = {variant.key: templates.enter_context(variant.template()) for variant in variants}
        # A load on a new server has to make its WAL files: 14 % of the time, for whoever would come first.
        for variant in {variant.server: variant for variant in variants}.values():
            with variant.server.database(f"bench_compare_{variant.key}", made[variant.key]) as dbname:
                variant.load(dbname, days.landing, days.day, jobs=jobs)
        for number in range(rounds):
            order = variants if number % 2 == 0 else variants[::-1]
            with contextlib.ExitStack() as last:
                for variant in order:
                    with contextlib.ExitStack() as this:
                        # Only the last ones are compared; before, nobody runs beside a database that autovacuum visits.
                        stack = last if number == rounds - 1 else this
                        dbname = f"bench_compare_{variant.key}"
                        stack.enter_context(variant.server.database(dbname, made[variant.key]))
                        variant.load(dbname, days.landing_before, days.before, jobs=jobs)
                        for one in variants:
                            one.server.settle()
                        costs[variant.name].append(
                            variant.steps(dbname, days.landing, days.day)
                            if steps
                            else variant.load(dbname, days.landing, days.day, jobs=jobs)
                        )
                if number == rounds - 1:
                    digests = Digests(*map(_connect, variants), leave_out=leave_out)
                    digests.compare([variant.name for variant in variants])
    return costs, digests


def ratios(costs: Mapping[str, Sequence[Mapping[str, Cost]]]) -> dict[str, dict[str, float | None]]:
    """Return for each figure the second variant's median beside the first's, and the least and largest of a round."""
    first, second = ([sum(one.values(), Cost()) for one in measured] for measured in costs.values())
    found = {}
    for figure in FIGURES:
        by_round = [_ratio(getattr(b, figure), getattr(a, figure)) for a, b in zip(first, second, strict=True)]
        told = [ratio for ratio in by_round if ratio is not None]
        middle = _ratio(getattr(median(second), figure), getattr(median(first), figure))
        found[figure] = {
            "ratio": middle, "least": min(told, default=None), "largest": max(told, default=None)
        }  # fmt: skip
    return found


def _ratio(value: float, beside: float) -> float | None:
    return round(value / beside, 4) if beside > 0 else None


# -- the same rows -----------------------------------------------------------------------------------


def _connect(variant: Variant) -> Callable[[], psycopg.Connection]:
    dsn = variant.server.dsn(f"bench_compare_{variant.key}")
    return lambda: psycopg.connect(dsn, options="-c timezone=UTC -c datestyle=ISO -c extra_float_digits=1")


class Digests:
    """Every table that both databases have, by the columns that both have. `left_out` says what is not compared."""

    def __init__(self, *connect: Callable[[], psycopg.Connection], leave_out: Collection[str] = ()) -> None:
        self._connect = connect
        self.tables: dict[str, list[str]] = {}
        self.rows: dict[str, int] = {}
        self.left_out: list[str] = []
        first, second = map(self._columns, connect)
        for table in sorted({*first, *second} - NOT_COMPARED):
            if table not in first or table not in second:
                self.left_out.append(f"{table} (only one has it)")
                continue
            if table in leave_out:
                continue
            own = [name for name, is_surrogate in first[table].items() if not is_surrogate]
            shared = [name for name in own if second[table].get(name) is False]
            self.tables[table] = [name for name in shared if f"{table}.{name}" not in leave_out]
            lone = sorted(first[table].keys() ^ second[table].keys())
            self.left_out += [f"{table}.{name} (only one has it)" for name in lone]
        self.left_out += leave_out

    @staticmethod
    def _columns(connect: Callable[[], psycopg.Connection]) -> dict[str, dict[str, bool]]:
        """Return whether a column is a clock's or a surrogate, by table and name."""
        found: dict[str, dict[str, bool]] = {}
        with connect() as connection:
            for table, name, is_number in connection.execute(COLUMNS.format(views="','".join(VIEWS))).fetchall():
                found.setdefault(table, {})[name] = is_number or name in CLOCKS | SURROGATES
        return found

    def compare(self, names: Sequence[str]) -> None:
        """Raise BenchError if any table differs: which, and by how many rows."""
        differences = []
        for table in self.tables:
            (first, digest), (second, other) = (self._digest(connect, table) for connect in self._connect)
            self.rows[table] = first
            if (first, digest) != (second, other):
                differences.append(self._difference(table, names))
        if differences:
            raise BenchError("the two do not arrive at the same rows:\n" + "\n".join(differences))

    def _query(self, query: str, table: str, only: Sequence[str] | None = None, **more: sql.Composable) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, only or self.tables[table]))
        text = sql.SQL("ROW({})::text").format(columns)
        digest = sql.SQL("hashtextextended({}, 0)").format(text)
        return sql.SQL(query).format(
            text=text, digest=digest, table=sql.SQL(".").join(map(sql.Identifier, table.split("."))), **more
        )

    def _digest(
        self, connect: Callable[[], psycopg.Connection], table: str, only: Sequence[str] | None = None
    ) -> tuple[int, int]:
        query = self._query("SELECT count(*), coalesce(sum({digest}::numeric), 0) FROM {table}", table, only)
        with connect() as connection:
            return connection.execute(query).fetchone()

    def _difference(self, table: str, names: Sequence[str]) -> str:
        """Return how many rows only one of both has, and one of each."""
        query = self._query("SELECT {digest} AS digest FROM {table} ORDER BY digest", table)
        only: list[list[Any]] = [[0, None], [0, None]]

        def count(side: int, digest: int) -> None:
            only[side] = [only[side][0] + 1, only[side][1] if only[side][0] else digest]

        with contextlib.ExitStack() as stack:
            first, second = (
                (
                    digest
                    for (digest,) in stack.enter_context(stack.enter_context(connect()).cursor("rows")).execute(query)
                )
                for connect in self._connect
            )
            left, right = next(first, None), next(second, None)
            while left is not None or right is not None:
                if left == right:
                    left, right = next(first, None), next(second, None)
                elif right is None or (left is not None and left < right):
                    count(0, left)
                    left = next(first, None)
                else:
                    count(1, right)
                    right = next(second, None)
        told = [f"  {table}: {only[0][0]:,} rows only in {names[0]}, {only[1][0]:,} only in {names[1]}"]
        differ = [
            name for name in self.tables[table]
            if len({self._digest(connect, table, [name]) for connect in self._connect}) > 1
        ]  # fmt: skip
        told += [f"    columns that differ: {', '.join(differ) or 'none by itself'}"]
        for connect, (_, digest), name in zip(self._connect, only, names, strict=True):
            if digest is not None:
                query = self._query("SELECT {text} FROM {table} WHERE {digest} = {wanted} LIMIT 1", table,
                                    wanted=sql.Literal(digest))  # fmt: skip
                with connect() as connection:
                    told.append(f"    {name}: {connection.execute(query).fetchone()[0][:300]}")
        return "\n".join(told)


# -- the scenario ------------------------------------------------------------------------------------


def show(costs: Mapping[str, Sequence[Mapping[str, Cost]]], found: Mapping[str, Mapping[str, float | None]]) -> None:
    """Print medians of both variants, and the second's beside the first's, with the least and largest of a round."""
    first, second = (
        {step: median([one[step] for one in measured]) for step in measured[0]} for measured in costs.values()
    )
    if len(first) > 1:
        print(f"\n{'':28} {'CPU s':>17} {'':6} {'wall s':>17} {'':6} {'WAL MB':>15}")
    for step in first if len(first) > 1 else ():
        a, b = first[step], second[step]
        print(
            f"{step:28} {a.cpu:8.2f} {b.cpu:8.2f} {b.cpu / max(a.cpu, 0.001):5.2f}x {a.wall:8.2f} {b.wall:8.2f} "
            f"{b.wall / max(a.wall, 0.001):5.2f}x {a.wal / 1e6:7.1f} {b.wal / 1e6:7.1f}", flush=True,
        )  # fmt: skip
    units = {"cpu": ("CPU s", 1), "wall": ("wall s", 1), "behind": ("behind s", 1), "wal": ("WAL MB", 1e6),
             "temporary": ("temp MB", 1e6), "rss": ("client MB", 1e6)}  # fmt: skip
    whole = [median([sum(one.values(), Cost()) for one in measured]) for measured in costs.values()]
    print(f"{'':12} " + " ".join(f"{name[:24]:>24}" for name in costs) + "    ratio  of the rounds")
    for figure, (unit, size) in units.items():
        values = " ".join(f"{getattr(cost, figure) / size:24.2f}" for cost in whole)
        ratio = found[figure]
        told = f"{ratio['ratio']:6.3f}x  {ratio['least']:.3f} to {ratio['largest']:.3f}" if ratio["ratio"] else ""
        print(f"{unit:12} {values}  {told}", flush=True)


def as_dict(costs: Mapping[str, Sequence[Mapping[str, Cost]]]) -> dict[str, Any]:
    """Return medians of the whole by variant, and of its steps where these were measured."""
    kept: dict[str, Any] = {"costs": {}, "steps": {}}
    for name, measured in costs.items():
        kept["costs"][name] = median([sum(one.values(), Cost()) for one in measured]).as_dict()
        if len(measured[0]) > 1:
            kept["steps"][name] = {step: median([one[step] for one in measured]).as_dict() for step in measured[0]}
    return kept
