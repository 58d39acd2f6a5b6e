"""Brings the deliveries of a source and day from the landing zone, or the products API, into raw."""

import os
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import psycopg

from glue.connection import connect
from glue.errors import GlueError, MissingSetting, explain
from glue.landing import SUFFIXES, Found, find, shown
from glue.load import Loaded, Openable, Say, load
from glue.shape import forms_of, own_form

if TYPE_CHECKING:
    from glue.products import ProductsApi

SOURCES = ("orders", "events", "products")
DEFAULT_LANDING = "data/landing"
# SQLSTATE of a failure that is not the database's: PostgreSQL's own for input and output that fail.
IO_ERROR = "58030"


class ExtractError(GlueError):
    """Some deliveries could not be read; the others are loaded. `result` says which."""

    def __init__(self, faults: list[str], result: "ExtractResult") -> None:
        super().__init__("\n".join(faults))
        self.result = result


@dataclass(frozen=True)
class ExtractResult:
    """What became of a source's deliveries of a day. `skipped` says why the products API was not asked."""

    source: str
    day: date
    deliveries: tuple[Loaded, ...] = ()
    skipped: str | None = None

    @property
    def rows(self) -> int:
        """Rows that were added to raw."""
        return sum(delivery.rows for delivery in self.deliveries)

    @property
    def rejected(self) -> int:
        """Records that were rejected."""
        return sum(delivery.rejected for delivery in self.deliveries)

    def of(self, outcome: str) -> list[str]:
        """Return the names of the deliveries that were `loaded`, `unchanged` or `refused`."""
        return [delivery.name for delivery in self.deliveries if delivery.outcome == outcome]


def landing_url() -> str:
    """Return where the landing zone is: a folder, or a URL for fsspec."""
    return os.environ.get("LANDING_URL") or DEFAULT_LANDING


def place(landing: str, *folders: str) -> str:
    """Return ` in FOLDER`, or nothing of a URL, which may hold a password."""
    return "" if "://" in landing else f" in {shown('/'.join([landing.rstrip('/') or '/', *folders]))}"


def extract(
    source: str,
    day: date,
    *,
    connection: psycopg.Connection | None = None,
    dsn: str | None = None,
    landing: str | None = None,
    api: "ProductsApi | None" = None,
    refresh: bool = False,
    found: Found | None = None,
    say: Say = print,
) -> ExtractResult:
    """Load the deliveries of a source and day into raw, and say what became of each.

    On `connection`, one of glue.connection.connect() that stays open, or else on a new one to `dsn`. Without `dsn`,
    `landing` and `api` the environment says where they are. A file that is refused is no error: it is recorded, and
    in the result. How a file of another form is read, staging.shapes says. `refresh` asks the products API whatever the
    day, and even if raw has a catalogue of it. `found` is what lies in the landing zone, if that was listed before.

    Raises ExtractError when a file cannot be read, CatalogueError when the API does not give all of its
    catalogue, MissingSetting when it has to be asked and PRODUCTS_API_URL is not set, GlueError without a
    connection, psycopg.Error. What was loaded before the error stays loaded.
    """
    if connection is None:
        with closing(connect(dsn)) as own:
            return extract(source, day, connection=own, landing=landing, api=api, refresh=refresh, found=found, say=say)
    landing = landing or landing_url()
    known, is_named = forms_of(connection, source)
    found = found or find(landing, source, day, is_named)
    label = f"{source} {day}"
    for name in found.ignored:
        say(f"{label}: {shown(name)} is ignored; deliveries are *{', *'.join(SUFFIXES)}")
    loaded: list[Loaded] = []
    faults = list(found.faults)
    skipped = None

    def load_one(delivery: Openable) -> None:
        if not loaded:
            connection.execute("SELECT raw.prepare_month(%s)", (day,))
        form = known(delivery.name) or own_form(connection, source)
        loaded.append(load(connection, source, day, delivery, lambda line: say(f"{label}: {line}"), form))
        say(f"{label}: {loaded[-1]}")

    for delivery in found.deliveries:
        try:
            load_one(delivery)
        except GlueError as error:
            faults.append(f"{label}: {error}")
        except OSError as error:
            faults.append(f"{label}: {shown(delivery.name)}: {error.strerror or error}")
    if source == "products" and not found.deliveries and not faults:
        if not refresh:
            (skipped,) = connection.execute("SELECT raw.reason_not_to_ask(%s)", (day,)).fetchone() or (None,)
        if skipped:
            say(f"{label}: {skipped}")
        else:
            # Only here: its HTTP client takes half of the time in which a command starts.
            from glue.products import CatalogueError, ProductsApi

            with (api or ProductsApi.from_environment()).catalogue() as catalogue:
                say(f"{label}: {catalogue.products:,} products on {catalogue.pages:,} pages of the API")
                asked = connection.execute("SELECT raw.reason_to_refuse_catalogue(%s, %s)", (day, catalogue.products))
                if reason := (asked.fetchone() or (None,))[0]:
                    raise CatalogueError(f"products API: {reason}")
                load_one(catalogue)
    elif not found.deliveries and not faults:
        say(f"{label}: nothing was delivered{place(landing, source, f'{day}')}")
    if any(delivery.outcome == "loaded" for delivery in loaded):
        connection.execute("SELECT raw.summarize_month(%s)", (day,))
    result = ExtractResult(source, day, tuple(loaded), skipped)
    if faults:
        raise ExtractError(faults, result)
    return result


def extract_step(
    connection: psycopg.Connection,
    source: str,
    day: date,
    *,
    refresh: bool = False,
    found: Found | None = None,
    say: Say = print,
) -> ExtractResult:
    """Do the same as a step of the day's run: audit.pipeline_steps says how it went, a failure too."""
    (step_id,) = connection.execute("SELECT raw.begin_extract(%s, %s)", (source, day)).fetchone() or (None,)

    def end(result: ExtractResult, sqlstate: str | None = None, reason: str | None = None) -> None:
        counts = (result.rows + result.rejected, result.rows, result.rejected)
        connection.execute("SELECT raw.end_extract(%s, %s, %s, %s, %s, %s)", (step_id, *counts, sqlstate, reason))

    try:
        result = extract(source, day, connection=connection, refresh=refresh, found=found, say=say)
    except MissingSetting:
        end(ExtractResult(source, day))  # there is nobody to ask: no failure
        raise
    except Exception as error:
        sqlstate = error.sqlstate if isinstance(error, psycopg.Error) else None
        done = error.result if isinstance(error, ExtractError) else ExtractResult(source, day)
        with suppress(psycopg.Error):  # what went wrong matters more than its record
            end(done, sqlstate or IO_ERROR, explain(error).replace("\0", ""))
        raise
    end(result)
    return result
