"""The settings that the embedded server is shipped with, by what its machine has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# What a container may use: a number of bytes, or `max`.
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


def _memory_bytes() -> int:
    """Return the memory of the machine, or of the container if that has less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(memory, int(MEMORY_LIMIT.read_text()))
    except (OSError, ValueError):
        return memory


def shipped_settings(directory: Path) -> dict[str, str]:
    """Return the settings for a warehouse of one small machine, whose data lie in a folder, each with its reason."""
    cores = os.cpu_count() or 1
    memory = _memory_bytes()
    disk = shutil.disk_usage(directory).total
    settings = {
        # Only through the socket: nothing to reach from the network.
        "listen_addresses": "",
        # A team, a DAG with five days side by side and two connections each, and room for BI.
        "max_connections": "100",
        # A day's partitions stay in memory between cleaning, checks and loading.
        "shared_buffers": _megabytes(memory / 8, 128, 4096),
        "effective_cache_size": _megabytes(memory / 2, 256, 8192),
        # Hashes and sorts of a day of a million lines without temporary files, twice at a time.
        "work_mem": _megabytes(memory / 64, 16, 64),
        # The check of a day's foreign keys has a dimension in memory. For indexes see warehouse._index_partition.
        "maintenance_work_mem": _megabytes(memory / 32, 64, 256),
        # A big day writes gigabytes: checkpoints by the clock, not by volume. After each, pages go into the WAL whole.
        "max_wal_size": _megabytes(disk / 16, 1024, 12288),
        # A big day's load waits a seventh of its time for new WAL files: they are kept, whatever small days need.
        "min_wal_size": _megabytes(disk / 64, 256, 4096),
        "checkpoint_timeout": "15min",
        # Who fills them has to write them out, while everybody else waits: a load fills 16 MB several times a second.
        "wal_buffers": _megabytes(memory / 128, 16, 128),
        # With minimal, a COMMIT that swaps a partition would first bring it to disk, and readers would wait.
        "wal_level": "replica",
        # Compiling a plan over many partitions costs more than it saves here.
        "jit": "off",
        # As many workers as cores; one query may use all of them, its own process included.
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(min(max(cores - 1, 1), 4)),
        "max_parallel_maintenance_workers": str(min(max(cores - 1, 1), 4)),
        # Disks without a moving head: an index is worth its random reads.
        "random_page_cost": "1.1",
        # One clock for everybody; the warehouse's days are UTC days.
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        # What a DBA wants to find in the log at 3 a.m.
        "log_line_prefix": "%m [%p] %q%u@%d %a ",
        "log_lock_waits": "on",
        "log_temp_files": "100MB",
        "log_min_duration_statement": "1min",
    }
    if _shared_memory_is_small():
        # Containers give /dev/shm 64 MB; parallel queries would fail on it.
        settings["dynamic_shared_memory_type"] = "sysv"
    return settings


def _megabytes(wanted: float, least: int, most: int) -> str:
    return f"{int(min(max(wanted / 2**20, least), most))}MB"


def _shared_memory_is_small() -> bool:
    try:
        return shutil.disk_usage("/dev/shm").total < 512 * 2**20
    except OSError:
        return False


def locale_options(version: str) -> list[str]:
    """Return initdb's options for UTF-8 text in byte order, the same on every machine."""
    if int(version.split(".")[0]) >= 17:  # PostgreSQL brings its own tables
        return ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    has_utf8 = subprocess.run(
        [sys.executable, "-c", "import locale; locale.setlocale(locale.LC_ALL, 'C.UTF-8')"], capture_output=True
    )
    return ["--locale-provider", "libc", "--locale", "C" if has_utf8.returncode else "C.UTF-8"]
