"""python -m bench …: measures the warehouse, and writes bench/README.md."""

import argparse
import signal
import sys
import tempfile
from datetime import date
from pathlib import Path

from bench import scenarios
from bench.measure import BenchError, Server
from bench.ours import PROFILE_SETTINGS
from bench.results import Results

EXAMPLES = """\
examples:
  python -m bench steps --orders 100000 --events 500000            each step, beside the floor
  python -m bench steps --pg 15 --profile                          … with time per statement, and plans
"""


def main() -> int:
    """Run scenarios and keep what they measured."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    names = ", ".join(scenarios.ALL)
    parser.add_argument("scenarios", nargs="+", choices=scenarios.ALL, metavar="SCENARIO", help=names)
    parser.add_argument("--orders", type=int, default=100_000, help="orders a day, for steps (default: %(default)s)")
    parser.add_argument("--events", type=int, default=500_000, help="events a day, for steps (default: %(default)s)")
    parser.add_argument("--day", type=date.fromisoformat, default=date(2025, 12, 19), help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=1, help="medians of so many (default: %(default)s)")
    parser.add_argument("--pg", default="wheel", help="wheel, or a major in /usr/lib/postgresql")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()).resolve() / "warehouse-bench",
                        help="deliveries, servers, profiles; kept (default: %(default)s)")  # fmt: skip
    parser.add_argument("--profile", action="store_true", help="time per statement and plans, into FOLDER")
    parser.add_argument("--results", type=Path, help="a JSON file to keep the results in")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the server goes, too
    results = Results(options.results)
    try:
        with Server(
            options.folder / f"server-{options.pg}{'-profile' if options.profile else ''}",
            pg=options.pg,
            settings=PROFILE_SETTINGS if options.profile else {},
        ) as server:
            server.forget_template()
            results.begin(server)
            for name in options.scenarios:
                scenarios.ALL[name](scenarios.Bench(server, options.folder, results, options))
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
