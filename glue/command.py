"""What a command is made of. Each room has its own commands in a table; glue.cli makes one parser of them all."""

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

DONE, FAILED, WRONG_USE, WAS_BLOCKED, INTERRUPTED = 0, 1, 2, 3, 130


class Command(NamedTuple):
    """A command. `run` gets its options, and its parser as `options.parser`; it returns the exit code."""

    name: str
    summary: str
    details: str
    arguments: Mapping[str, Mapping[str, Any]]  # what add_argument() is called with, by name or flag
    run: Callable[[argparse.Namespace], int]


def day(text: str) -> date:
    """Return the date of an argument. Raises argparse.ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2025-12-19") from None


def count(text: str) -> int:
    """Return the whole number, from 1 on, of an argument. Raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def complain(text: str) -> None:
    """Print an error, after what was printed before it."""
    sys.stdout.flush()
    print(f"error: {text}", file=sys.stderr)
