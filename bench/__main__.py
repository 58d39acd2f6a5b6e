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
from embedded.errors import ServerError

EXAMPLES = """\
scenarios:
{scenarios}

examples:
  python -m bench full --results bench/results/full.json           what README.md shows (make bench)
  python -m bench contenders --without-dbt                         beside the floor and row by row
  python -m bench steps --orders 100000 --events 500000            each step, beside the floor
  python -m bench steps --pg 15 --profile                          … with time per statement, and plans
  python -m bench compare --other ../main --jobs 2                 beside another checkout, and the same rows
  python -m bench compare --other-setting wal_compression=on       beside a server with another setting
  python -m bench compare --other-pgoptions '-c work_mem=8MB' --steps
"""


def main() -> int:
    """Run scenarios and keep what they measured."""
    told = "\n".join(f"  {name:12} {scenario.__doc__}" for name, scenario in scenarios.ALL.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, epilog=EXAMPLES.format(scenarios=told),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "scenarios", nargs="+", choices=scenarios.ALL, metavar="SCENARIO", help="one or more of those below"
    )
    parser.add_argument("--orders", type=int, default=100_000, help="orders a day (default: %(default)s)")
    parser.add_argument("--events", type=int, default=500_000, help="events a day (default: %(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000, 300_000, 1_000_000],
                        metavar="N", help="orders a day, for sizes; five times as many events")  # fmt: skip
    parser.add_argument(
        "--largest", type=int, default=1_000_000, help="orders of the largest day of full (default: %(default)s)"
    )
    parser.add_argument("--days", type=int, default=730, help="for history (default: %(default)s)")
    parser.add_argument("--backfill-days", type=int, default=30, help="for backfill (default: %(default)s)")
    parser.add_argument("--without-dbt", action="store_true", help="of the contenders only row by row")
    parser.add_argument("--day", type=date.fromisoformat, default=date(2025, 12, 19), help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=1, help="medians of so many (default: %(default)s)")
    parser.add_argument("--pg", default="wheel", help="wheel, or a major in /usr/lib/postgresql")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()).resolve() / "warehouse-bench",
                        help="deliveries, servers, profiles; kept (default: %(default)s)")  # fmt: skip
    parser.add_argument("--profile", action="store_true", help="time per statement and plans, into FOLDER")
    compared = parser.add_argument_group("for compare")
    compared.add_argument("--other", type=Path, metavar="PATH", help="another checkout, as in a git worktree")
    compared.add_argument("--other-setting", action="append", default=[], metavar="NAME=VALUE",
                          help="a setting of the other's own server; may be repeated")  # fmt: skip
    compared.add_argument("--other-pgoptions", default="", metavar="OPTIONS", help="PGOPTIONS of the other's sessions")
    compared.add_argument("--rounds", type=int, default=3, help="turns of each (default: %(default)s)")
    compared.add_argument(
        "--jobs", type=int, default=2, choices=(1, 2), help="steps side by side (default: %(default)s)"
    )
    compared.add_argument("--steps", action="store_true", help="each step by itself, one after the other")
    compared.add_argument("--leave-out", action="append", default=[], metavar="TABLE[.COLUMN]",
                          help="what is meant to differ; may be repeated")  # fmt: skip
    compared.add_argument("--landing", type=Path, metavar="FOLDER",
                          help="deliveries of your own, of DAY and the day before, instead of made ones")  # fmt: skip
    parser.add_argument("--results", type=Path, help="a JSON file to keep the results in")
    options = parser.parse_args()
    if wrong := [setting for setting in options.other_setting if "=" not in setting]:
        parser.error(f"--other-setting is NAME=VALUE: {', '.join(wrong)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the server goes, too
    if "full" in options.scenarios and options.results:
        options.results.unlink(missing_ok=True)  # a report is of one run
    results = Results(options.results)
    try:
        with Server(
            options.folder / f"server-{options.pg}{'-profile' if options.profile else ''}",
            pg=options.pg,
            settings=PROFILE_SETTINGS if options.profile else {},
        ) as server:
            server.forget_template()
            results.begin(server, options.folder)
            for name in options.scenarios:
                scenarios.ALL[name](scenarios.Bench(server, options.folder, results, options))
    except (BenchError, ServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
