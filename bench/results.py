"""What was measured: printed as tables while it goes on, and kept as JSON."""

import json
import os
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import Cost, Server

COLUMNS = ("wall s", "CPU s", "client", "server", "behind", "WAL MB", "temp MB", "RSS MB")
HEADER = " ".join([" " * 28, *(f"{column:>8}" for column in COLUMNS)])


class Results:
    """Results by scenario, in a JSON file if there is one: those of other scenarios stay in it."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.data: dict[str, Any] = json.loads(path.read_text()) if path and path.exists() else {}

    def begin(self, server: Server, folder: Path) -> None:
        """Say what is measured on what. The server's data lie in the folder."""
        models = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        self.keep(
            "machine",
            {
                "postgresql": server.version(), "python": platform.python_version(), "cpu": models[0] if models else "",
                "cores": os.cpu_count(), "file_system": file_system(folder),
                "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
                "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M}", "load": round(os.getloadavg()[0], 1),
            },
        )  # fmt: skip
        machine = self.data["machine"]
        print(f"PostgreSQL {machine['postgresql']}, {machine['cores']} cores, load {machine['load']}")

    def keep(self, name: str, data: Any) -> None:
        """Keep what a scenario measured."""
        self.data[name] = data
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self.data, indent=1, default=str) + "\n")

    def show(self, title: str, costs: Mapping[str, Cost], *, summed: bool = True) -> Cost:
        """Print costs, and their sum unless they have none; return the sum."""
        total = sum(costs.values(), Cost())
        lines = {**costs, "together": total} if summed and len(costs) > 1 else dict(costs)
        print(f"\n{title}\n{HEADER}")
        for name, c in lines.items():
            print(
                f"{name:28} {c.wall:8.2f} {c.cpu:8.2f} {c.client:8.2f} {c.server:8.2f} {c.behind:8.2f} "
                f"{c.wal / 1e6:8.1f} {c.temporary / 1e6:8.1f} {c.rss / 1e6:8.0f}",
                flush=True,
            )
        return total


def file_system(folder: Path) -> str:
    """Return what kind of file system a folder lies on.

    ext4 without a journal uses no inode again for minutes after its file is gone, and looks through all of these for
    each new file: days, which make and drop dozens of tables, cost more there the more days came shortly before.
    """
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts = (line.partition(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines())
    kind = next((what.split()[0] for where, _, what in mounts if where.split()[2] == number), "")
    journal = Path("/sys/fs/ext4", Path("/sys/dev/block", number).resolve().name, "journal_task")
    with suppress(OSError):
        if journal.read_text().strip() == "<none>":
            return f"{kind} without a journal"
    return kind
