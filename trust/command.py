"""Runs the command line as a person does, in this process."""

import contextlib
import io
import os
import traceback
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from glue import cli


class Ended(NamedTuple):
    """How a command ended: its exit code (None: with a traceback), and what it printed."""

    code: int | None
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


def command(dsn: str, landing: Path, *arguments: str, encoding: str = "utf-8") -> Ended:
    """Run `warehouse` with these arguments, on this warehouse and landing zone."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2)]
    code: int | None = None
    with (
        mock.patch.dict(os.environ, {"WAREHOUSE_DSN": dsn, "LANDING_URL": str(landing)}),
        contextlib.redirect_stdout(streams[0]),
        contextlib.redirect_stderr(streams[1]),
    ):
        try:
            code = cli.main(arguments)
        except Exception:
            traceback.print_exc(limit=-3)
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)  # type: ignore[attr-defined]
    return Ended(code, out, err)
