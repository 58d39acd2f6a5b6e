"""What is measured. Each scenario makes its deliveries, checks what comes out, and keeps its figures."""

import argparse
import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bench import contenders as contenders_
from bench import floor, ours
from bench.measure import PROJECT, BenchError, Cost, Server, median, python
from bench.results import Results


@dataclass(frozen=True)
class Bench:
    """What scenarios work with."""

    server: Server
    folder: Path
    results: Results
    options: argparse.Namespace

    def landing(
        self, orders: int, events: int, kind: str = "all", *, day: date | None = None, **more: str | int | float
    ) -> Path:
        """Return a landing zone with deliveries, made if it is not there yet."""
        name = "-".join([f"{orders}", f"{events}", kind, *(f"{key}={value}" for key, value in more.items())])
        # What another generator made is not what this one would make.
        maker = hashlib.sha256((PROJECT / "bench" / "data.py").read_bytes()).hexdigest()[:8]
        folder = self.folder / "deliveries" / maker / name
        flags = [f"--{key}" if value is True else f"--{key}={value}" for key, value in more.items()]
        python("-m", "bench.data", folder, "--day", f"{day or self.options.day}", "--orders", f"{orders}",
               "--events", f"{events}", "--kind", kind, *flags)  # fmt: skip
        return folder


def medians(costs: Sequence[Mapping[str, Cost]]) -> dict[str, Cost]:
    """Return the medians of several measurements, step by step."""
    return {step: median([one[step] for one in costs]) for step in costs[0]}


def steps(bench: Bench) -> None:
    """Each step of a first load by itself, and the whole by one command; beside the floor."""
    orders, events, day = bench.options.orders, bench.options.events, bench.options.day
    everything, clean = bench.landing(orders, events), bench.landing(orders, events, "clean")
    around = ours.Profile(bench.folder / "profile") if bench.options.profile else None
    floors, ours_by_step, runs, reruns = [], [], [], []
    for _ in range(bench.options.repeats):
        bench.server.settle()
        floors.append(floor.steps(bench.server, clean, day))
        with bench.server.warehouse() as dbname:
            bench.server.settle()
            ours_by_step.append(ours.steps(bench.server, dbname, everything, day, around))
        if not around:
            with bench.server.warehouse() as dbname:
                bench.server.settle()
                runs.append({"first load": ours.run_days(bench.server, dbname, everything, day)})
                reruns.append({"unchanged": ours.run_days(bench.server, dbname, everything, day)})
                facts = ours.Warehouse(bench.server, dbname).facts()
    floor_costs, step_costs = medians(floors), medians(ours_by_step)
    print(f"\n{orders:,} orders and {events:,} events")
    least = bench.results.show("floor", floor_costs)
    bench.results.show("the warehouse, step by step", step_costs)
    if around:
        print(f"\nprofile: {bench.folder}/profile")
        return
    whole = medians(runs) | medians(reruns)
    bench.results.show("python -m glue run", whole)
    print(f"\nCPU {whole['first load'].cpu / least.cpu:.2f} x the floor; {facts}")
    bench.results.keep(
        f"steps {orders}",
        {
            "orders": orders, "events": events, "facts": facts,
            "floor": _dicts(floor_costs), "steps": _dicts(step_costs), "whole": _dicts(whole),
        },
    )  # fmt: skip


def contenders(bench: Bench) -> None:
    """A day beside other ways of doing the same: on top of a small day before, so that nobody starts from nothing."""
    server, results, day = bench.server, bench.results, bench.options.day
    orders, events = bench.options.orders, bench.options.events
    before = day - timedelta(days=1)
    small, large = (orders // 50, events // 50), (orders, events)
    costs: dict[str, list[Cost]] = {}
    facts: dict[str, tuple[str, ...]] = {}
    for _ in range(bench.options.repeats):
        with contextlib.ExitStack() as stack:
            warehouse = ours.Warehouse(server, stack.enter_context(server.warehouse()))
            row_by_row = contenders_.RowByRow(server, stack.enter_context(server.database("bench_rows")))
            dbt = contenders_.Dbt(server, stack.enter_context(server.database("bench_dbt")), bench.folder)
            duck = contenders_.DuckDb(server, bench.folder)
            costs.setdefault("floor", []).append(
                sum(floor.steps(server, bench.landing(*large, "clean"), day).values(), Cost())
            )
            for name, contender in {
                "warehouse": warehouse,
                "row by row": row_by_row,
                "dbt": dbt,
                "DuckDB": duck,
            }.items():
                kind = "readable" if contender is dbt else "all"
                contender.load(bench.landing(*small, kind, day=before), before)
                server.settle()
                costs.setdefault(name, []).append(contender.load(bench.landing(*large, kind), day))
                facts[name] = contender.facts()
    middle = {name: median(measured) for name, measured in costs.items()}
    print(f"\n{orders:,} orders and {events:,} events")
    results.show("by contender", middle, summed=False)
    for name, found in facts.items():
        if found != facts["warehouse"]:
            raise BenchError(f"{name} arrived at {found}, the warehouse at {facts['warehouse']}")
    print(f"all arrived at {facts['warehouse']}")
    results.keep(
        f"contenders {orders}",
        {"orders": orders, "events": events, "facts": facts["warehouse"], "costs": _dicts(middle)},
    )


def _dicts(costs: Mapping[str, Cost]) -> dict[str, dict[str, float]]:
    return {name: cost.as_dict() for name, cost in costs.items()}


ALL: dict[str, Callable[[Bench], None]] = {"steps": steps, "contenders": contenders}
