"""What is measured. Each scenario makes its deliveries, checks what comes out, and keeps its figures."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench import floor, ours
from bench.measure import Cost, Server, median, python
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
        folder = self.folder / "deliveries" / name
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
                facts = ours.facts(bench.server, dbname)
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


def _dicts(costs: Mapping[str, Cost]) -> dict[str, dict[str, float]]:
    return {name: cost.as_dict() for name, cost in costs.items()}


ALL: dict[str, Callable[[Bench], None]] = {"steps": steps}
