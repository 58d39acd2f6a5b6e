"""Shows what ran, and what failed."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

RUNS = """
    SELECT r.run_id, r.run_date, r.status, r.triggered_by, r.started_at, r.ended_at - r.started_at AS took, r.error
    FROM audit.pipeline_runs r
    ORDER BY r.run_id DESC
    LIMIT %s
"""
BAD_STEPS = """
    SELECT s.run_id, s.step, s.status, s.error_sqlstate, s.error_message
    FROM audit.pipeline_steps s
    WHERE s.run_id = ANY (%s) AND s.status IN ('failed', 'blocked')
    ORDER BY s.step_id
"""


def report(connection: psycopg.Connection, runs: int = 10) -> Iterator[str]:
    """Yield lines about the last runs, newest first, each followed by its steps that did not succeed."""
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        found = cursor.execute(RUNS, (runs,)).fetchall()
        bad: dict[int, list[Any]] = {}
        for step in cursor.execute(BAD_STEPS, ([run.run_id for run in found],)):
            bad.setdefault(step.run_id, []).append(step)
    if not found:
        yield "nothing has run yet: python -m glue run DATE"
        return
    yield f"{'run':>6}  {'day':10}  {'status':9}  {'started (UTC)':19}  {'seconds':>8}  by"
    for run in found:
        seconds = f"{run.took.total_seconds():.1f}" if run.took is not None else "…"
        started = f"{run.started_at:%Y-%m-%d %H:%M:%S}"
        yield f"{run.run_id:6}  {run.run_date}  {run.status:9}  {started}  {seconds:>8}  {run.triggered_by}"
        for step in bad.get(run.run_id, ()):
            message = " ".join((step.error_message or "").split())
            yield f"        {step.step} {step.status}: {message} ({step.error_sqlstate})"
