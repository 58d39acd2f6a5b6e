"""`warehouse demo`."""

import argparse
from datetime import UTC, datetime

from glue.command import DONE, FAILED, Command, count, day


def _demo(options: argparse.Namespace) -> int:
    from demo.demo import demo  # rich takes a while to import

    end = options.end or datetime.now(UTC).date()
    return DONE if demo(end, days=options.days, jobs=options.jobs, here=options.here) else FAILED


COMMANDS = (
    Command(
        "demo",
        "run thirty days of a seeded shop, and show what came of them",
        "The demo has a database of its own on the embedded server (warehouse_demo) and the folder data/demo;\n"
        "both are made anew each time. The same --end gives the same shop. With --here it runs in the warehouse of\n"
        "WAREHOUSE_DSN, if nothing was ever delivered to it: on a cluster, say.\n\n"
        "examples:\n"
        "  warehouse demo\n"
        "  warehouse demo --end 2025-12-19 --days 10",
        {
            "--end": {"type": day, "metavar": "DATE", "help": "the last day (default: today, UTC)"},
            "--days": {"type": count, "default": 30, "metavar": "N", "help": "how many days (default: 30)"},
            "--jobs": {
                "type": count,
                "default": 2,
                "metavar": "N",
                "help": "days to run side by side (default: 2)",
            },
            "--here": {"action": "store_true", "help": "in the empty warehouse of WAREHOUSE_DSN"},
        },
        _demo,
    ),
)
