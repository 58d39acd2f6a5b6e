"""How times are read, against an oracle in Python, and that the cheap tests of cleaning agree with the careful ones."""

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Warehouse

DAY = date(2025, 12, 19)
PROPERTY = settings(
    max_examples=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# -- times -------------------------------------------------------------------------------------------

TIMES = {
    "2025-12-19": "2025-12-19T00:00:00+00:00",
    "2025-12-19T10:00:00Z": "2025-12-19T10:00:00+00:00",
    "2025-12-19T10:00:00": "2025-12-19T10:00:00+00:00",
    "2025-12-19t10:00:00z": "2025-12-19T10:00:00+00:00",
    "2025-12-19 10:00:00": "2025-12-19T10:00:00+00:00",
    "2025-12-19 10:00:00 +01:00": "2025-12-19T09:00:00+00:00",
    "2025-12-19T10:00": "2025-12-19T10:00:00+00:00",
    "2025-12-19T10:00Z": "2025-12-19T10:00:00+00:00",
    "2025-12-19T10:00:00.5Z": "2025-12-19T10:00:00.500000+00:00",
    "2025-12-19T10:00:00,25Z": "2025-12-19T10:00:00.250000+00:00",
    "2025-12-19T10:00:00.123456789Z": "2025-12-19T10:00:00.123456+00:00",
    "2025-12-19T10:00:00.9999999Z": "2025-12-19T10:00:00.999999+00:00",
    "2025-12-19T10:00:00+05:30": "2025-12-19T04:30:00+00:00",
    "2025-12-19T10:00:00-0800": "2025-12-19T18:00:00+00:00",
    "2025-12-19T10:00:00+01": "2025-12-19T09:00:00+00:00",
    "2025-12-19T00:30:00+01:00": "2025-12-18T23:30:00+00:00",
    "2025-12-19T00:00:00-00:00": "2025-12-19T00:00:00+00:00",
    "2024-02-29T00:00:00Z": "2024-02-29T00:00:00+00:00",
    "2000-02-29": "2000-02-29T00:00:00+00:00",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59Z": "9999-12-31T23:59:59+00:00",
}
NO_TIMES = [
    "", "now", "today", "infinity", "-infinity", "epoch", "2025", "2025-12", "20251219", "20251219T100000Z",
    "2025-W51-5", "2025-353", "2025-12-19T24:00:00Z", "2025-12-19T23:59:60Z", "2025-12-19T10:60:00Z", "2025-12-19T10",
    "2025-02-29", "2100-02-29", "1900-02-29T00:00:00Z", "2025-04-31", "2025-13-01", "2025-00-10", "2025-01-00",
    "2025-12-32", "0000-01-01", "19.12.2025", "12/19/2025", "2025-12-19T10:00:00.Z", "2025-12-19T10:00:00+15:00",
    "2025-12-19T10:00:00+05:60", "2025-12-19T10:00:00 Europe/Berlin", "2025-12-19T10:00:00 PST", "2025-12-19Z",
    "2025-12-19T10:00:00Z BC", "2025-12-19T10:00:00ZZ", " 2025-12-19", "2025-12-19T10:00:00Z\n", "02025-12-19",
    "2025-12-19T10:00:00.1234567890Z", "٢٠٢٥-12-19", "1766138400", "-2025-12-19", "2025-12-19T1:00:00Z",
]  # fmt: skip
MINIMUM = datetime.min.replace(tzinfo=UTC)


def times(warehouse: Warehouse, texts: list[str]) -> list[datetime | None]:
    """Return what PostgreSQL makes of texts."""
    rows = warehouse.rows(
        "SELECT staging._iso_time(t) AS time FROM unnest(%s::text[]) WITH ORDINALITY u (t, n) ORDER BY n", texts
    )
    return [row.time for row in rows]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_times_are_read_as_iso_8601_and_without_an_offset_as_utc(warehouse: Warehouse, zone: str) -> None:
    """In any session zone: cleaning pins UTC, but a rule or a person may ask from elsewhere."""
    warehouse.execute(f"SET TimeZone = '{zone}'")
    warehouse.execute("SET DateStyle = 'German, DMY'")
    found = warehouse.rows(
        "SELECT t, to_char(staging._iso_time(t) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') AS time"
        " FROM unnest(%s::text[]) t",
        [*TIMES, *NO_TIMES],
    )
    wanted = {
        text: datetime.fromisoformat(time).isoformat(timespec="microseconds").removesuffix("+00:00")
        for text, time in TIMES.items()
    }
    assert {row.t: row.time for row in found} == wanted | dict.fromkeys(NO_TIMES)


SHAPE = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"([Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2})([.,](?P<fraction>[0-9]{1,9}))?)?"
    r"( ?(?P<zone>[Zz]|(?P<sign>[+-])(?P<off_h>[0-9]{2})(:?(?P<off_m>[0-9]{2}))?))?)?"
)


def oracle(text: str) -> datetime | None:
    """Return the time that a text says, by other means than the database's."""
    match = SHAPE.fullmatch(text)
    if not match:
        return None
    part = match.groupdict()
    offset = timedelta(hours=int(part["off_h"] or 0), minutes=int(part["off_m"] or 0))
    if int(part["off_h"] or 0) > 14 or int(part["off_m"] or 0) > 59:
        return None
    try:
        local = datetime(
            int(part["year"]), int(part["month"]), int(part["day"]), int(part["hour"] or 0), int(part["minute"] or 0),
            int(part["second"] or 0), int((part["fraction"] or "")[:6].ljust(6, "0")),
            tzinfo=timezone(-offset if part["sign"] == "-" else offset),
        )  # fmt: skip
    except ValueError:
        return None
    return local


def two(low: int, high: int) -> st.SearchStrategy[str]:
    """Two digits, mostly possible ones."""
    return st.integers(low, high).map(lambda number: f"{number:02d}")


time_texts = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["0002", "1900", "1999", "2000", "2024", "2025", "2100", "9998", "25", "0000"]),
        st.just("-"), two(0, 13), st.just("-"), two(0, 32),
        st.sampled_from(["", "T", " ", "t", "T", "T", "T", "T", "x", "  "]),
        st.one_of(st.just(""), st.builds("{}:{}".format, two(0, 24), two(0, 60))),
        st.one_of(st.just(""), st.builds(":{}".format, two(0, 60))),
        st.one_of(st.just(""), st.from_regex(r"\A[.,][0-9]{0,10}\Z")),
        st.sampled_from(["", "Z", "z", " Z", "+01:00", "-08", "+0530", "+14:59", "-15:00", "+01:60", " +02", "+1"]),
    ),
)  # fmt: skip


@PROPERTY
@given(
    texts=st.lists(st.one_of(time_texts, st.text(alphabet="0123456789-:TZ+ ./", max_size=25)), min_size=50, max_size=50)
)
def test_times_are_read_as_python_reads_them(values_warehouse: Warehouse, texts: list[str]) -> None:
    assert times(values_warehouse, texts) == [oracle(text) for text in texts]


SIGNS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
# What the quick ways may say: NULL, which leaves a text to the careful way, or the same as that.
QUICK = """
    SELECT count(u.t) AS asked, count(q.time) AS times, count(q.day) AS days,
           count(*) FILTER (WHERE q.time IS NOT NULL AND q.time IS DISTINCT FROM u.careful
                               OR q.day IS NOT NULL AND q.day IS DISTINCT FROM (u.careful AT TIME ZONE 'UTC')::date)
               AS wrong
    FROM (SELECT t, convert_to(t, 'UTF8') AS bytes, staging._iso_time(t) AS careful FROM {texts}) AS u
    CROSS JOIN LATERAL (SELECT staging._usual_time(u.t, u.bytes, '2025-12-19', '2025-12-19T__:__:__Z') AS time,
                               staging._usual_date(u.t, u.bytes) AS day) AS q
"""


def test_usual_times_and_dates_are_read_quickly_as_they_are_read_carefully(values_warehouse: Warehouse) -> None:
    """Every seventh second of a day and every eleventh day of four centuries, but the 29th of February: every hour,
    minute and second is among them, every year, and every day of every month."""
    values_warehouse.execute("SET TimeZone = 'Asia/Kathmandu'")
    seconds = values_warehouse.row(
        QUICK.format(
            texts="""(
        SELECT to_char(timestamp '2025-12-19' + n * interval '1 s', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS t
        FROM generate_series(0, 86399, 7) n) AS s"""
        )
    )
    assert (seconds.asked, seconds.times, seconds.wrong) == (12343, 12343, 0)
    days_of_centuries = (date(1900, 1, 1) + timedelta(n) for n in range(0, 146097, 11))
    usual = [day for day in days_of_centuries if (day.month, day.day) != (2, 29)]
    assert len({day.year for day in usual}) == 400
    assert len({(day.month, day.day) for day in usual}) == 365
    days = values_warehouse.row(QUICK.format(texts="unnest(%s::text[]) AS s (t)"), [str(day) for day in usual])
    assert (days.asked, days.days, days.wrong) == (len(usual), len(usual), 0)


@PROPERTY
@given(
    place=st.integers(0, 20),
    signs=st.lists(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=40, max_size=40),
)
def test_what_only_looks_like_a_usual_time_is_left_to_the_careful_way(
    values_warehouse: Warehouse, place: int, signs: list[str]
) -> None:
    """One sign in the place of another: letters of several bytes too, and what stands beside the digits in ASCII."""
    texts = [
        text[:place] + sign + text[place + cut :]
        for text in ("2025-12-19T23:59:59Z", "2025-12-19T00:10:00Z", "2025-12-28", "2025-11-30", "0999-01-01")
        for sign in [*signs, "/", ":", ";", "?", "0", "3", "9", " ", ""]
        for cut in (0, 1, 2)
    ]
    assert values_warehouse.row(QUICK.format(texts="unnest(%s::text[]) AS s (t)"), texts).wrong == 0


@pytest.fixture
def values_warehouse(warehouse: Warehouse) -> Warehouse:
    """One warehouse for all examples of a property: what it asks writes nothing that another example sees."""
    warehouse.execute("SELECT raw.prepare_month(%s)", DAY)
    return warehouse


# -- the cheap test of clean_orders and the careful one -----------------------------------------------

texts = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "x",
            "P-1",
            "NULL",
            "n/a",
            "\u200bP-1\u00a0",
            "{",
            "[",
            "{}",
            "[1]",
            "x" * 512,
            "x" * 513,
            "é" * 257,
            "\u00a0",
            "\\u0000",
            "😀",
        ]
    ),
    st.text(max_size=5).filter(lambda text: "\x00" not in text),
)
odd_json = st.sampled_from([None, True, False, 0, 1, -1, 2.5, [], {}, [1], {"a": 1}, [[]], "", " ", "null"])
numbers = st.one_of(
    st.integers(-2, 3), st.sampled_from([10**9, 999999999, 2**31 - 1, 2**31, 10**15, 10**15 - 1, 1.5, 1e2, 2.0]),
    st.sampled_from(["1", " 2 ", "2.0", "1e2", "1e99", "1e100", "-0", "+3", "NaN", "Infinity", "0x1", ".5", "5."]),
    st.sampled_from(["1e-3", "9" * 41]),
    odd_json,
)  # fmt: skip
moments = st.one_of(
    st.sampled_from([
        "2025-12-19T10:00:00Z", "2025-12-19", "2025-12-20T00:00:00Z", "2025-12-19T23:59:59-01:00", "2024-11-14",
        "2024-11-13", "2024-11-14T00:00:00+01:00", " 2025-12-19T10:00:00Z ", "now", "infinity", "2025-02-30",
        "0001-01-01",
        "9999-12-31",
    ]),
    odd_json,
)  # fmt: skip
statuses = st.one_of(st.sampled_from(["paid", " PAID ", "canceled", "Adjustment", "unmapped"]), odd_json)
user_fields = {
    "city": st.one_of(texts, odd_json),
    "signup_date": moments,
    "marketing_source": st.one_of(texts, odd_json),
}
line_fields = {
    "product_id": st.one_of(st.just("P-1"), texts, odd_json),
    "quantity": st.one_of(st.just(1), numbers),
    "price": st.one_of(st.just(9.99), numbers),
    "line_total": st.one_of(st.none(), st.just(20), numbers),
    "tax": st.one_of(st.none(), st.just(1.5), numbers),
}
order_records = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "user_id": st.one_of(st.just("U-1"), texts, odd_json),
            "timestamp": st.one_of(st.just("2025-12-19T10:00:00Z"), moments),
            "status": st.one_of(st.just("paid"), statuses),
            "user": st.one_of(st.fixed_dictionaries({}, optional=user_fields), odd_json),
            "items": st.one_of(
                st.lists(st.one_of(st.fixed_dictionaries({}, optional=line_fields), odd_json), max_size=3), odd_json
            ),
            **user_fields,
            **line_fields,
        },
    ),
    # Mostly right, so that single faults are tried, too.
    st.builds(
        lambda fault: {
            "user_id": "U-1", "product_id": "P-1", "quantity": 2, "price": 9.99, "timestamp": "2025-12-19T10:00:00Z",
            "status": "paid",
        } | fault,
        st.one_of([
            st.fixed_dictionaries({name: values})
            for name, values in {
                "user_id": texts, "timestamp": moments, "status": statuses, **line_fields, **user_fields,
                "user": st.fixed_dictionaries({}, optional=user_fields),
                "items": st.lists(st.fixed_dictionaries(line_fields), max_size=2),
            }.items()
        ]),
    ),
)  # fmt: skip

PROBLEMS = """
    WITH records AS (
        SELECT o.raw_json, r.*, i.item, i.line_number, u.city AS u_city, u.marketing_source AS u_source,
               CASE WHEN i.item IS NULL THEN r.product_id ELSE l.product_id END AS l_product_id,
               CASE WHEN i.item IS NULL THEN r.quantity ELSE l.quantity END AS l_quantity,
               CASE WHEN i.item IS NULL THEN r.price ELSE l.price END AS l_price,
               ARRAY(SELECT f FROM unnest('{order_id,user_id,product_id,city,marketing_source}'::text[]) AS f
                     WHERE json_typeof(CASE WHEN f = 'city' AND u.city IS NOT NULL OR f = 'marketing_source' AND u.marketing_source IS NOT NULL
                                            THEN r."user" ELSE o.raw_json END -> f) IN ('object', 'array')) AS nested,
               CASE WHEN json_typeof(r."user") <> 'object' THEN r."user"::text END AS no_customer,
               staging._trimmed(coalesce(u.signup_date, r.signup_date)) AS signup_text,
               CASE WHEN i.item IS NULL THEN r.line_total ELSE l.line_total END AS l_total,
               CASE WHEN i.item IS NULL THEN r.tax ELSE l.tax END AS l_tax
        FROM raw.orders_json o
        CROSS JOIN json_to_record(o.raw_json)
            AS r (order_id text, user_id text, product_id text, quantity text, price text, "timestamp" text,
                  status text, city text, signup_date text, marketing_source text, "user" json, items json, line_total text, tax text,
                  shipping text, currency text)
        CROSS JOIN json_to_record(CASE WHEN json_typeof(r."user") = 'object' THEN r."user" ELSE '{}' END)
            AS u (city text, signup_date text, marketing_source text)
        LEFT JOIN LATERAL json_array_elements(CASE WHEN json_typeof(r.items) = 'array' THEN r.items ELSE '[]' END)
            WITH ORDINALITY AS i (item, line_number) ON true
        CROSS JOIN json_to_record(CASE WHEN json_typeof(i.item) = 'object' THEN i.item ELSE '{}' END)
            AS l (product_id text, quantity text, price text, line_total text, tax text)
        WHERE o.load_id = %(load_id)s
    )
    SELECT v.order_id, coalesce(v.line_number, 1)::integer AS line_number,
           (SELECT string_agg(p.reason, '; ' ORDER BY p.place)
            FROM (SELECT d.reason, min(d.place) AS place FROM unnest(staging._order_problems(
                ROW(
                    v.raw_json, true, v.nested, v.no_customer, v.items, v.item, v.line_number, NULL, NULL,
                    staging._trimmed(v.order_id), staging._trimmed(v.user_id),
                    staging._trimmed(v.l_product_id), staging._trimmed(v.l_quantity), staging._trimmed(v.l_price),
                    staging._trimmed(v."timestamp"), staging._trimmed(v.status), s.status,
                    staging._trimmed(coalesce(v.u_city, v.city)), CASE WHEN NOT staging._is_null_marker(v.signup_text) THEN v.signup_text END,
                    staging._trimmed(coalesce(v.u_source, v.marketing_source)),
                    staging._iso_time(staging._trimmed(v."timestamp")),
                    staging._iso_time(v.signup_text),
                    ROW(staging._trimmed(v.l_total), NULL, staging._trimmed(v.l_tax), NULL, NULL, NULL, NULL, NULL,
                        (staging._order_amounts(ROW(NULL, NULL, v.tax, v.shipping, NULL, NULL)::staging.order_money, v.items IS NOT NULL, NULL)).problem,
                        upper(staging._trimmed(v.currency)), NULL)::staging.line_money,
                    false, false,
                    ARRAY[CASE WHEN staging._is_null_marker(staging._trimmed(v.order_id)) THEN v.order_id END,
                          CASE WHEN staging._is_null_marker(staging._trimmed(v.l_product_id)) THEN v.l_product_id END],
                    staging._emptied_fields(v.nested, v.no_customer, v.signup_text, (staging._iso_time(v.signup_text) AT TIME ZONE 'UTC')::date,
                                            '{city,signup_date,marketing_source}', staging._null_marks(),
                                            (SELECT jsonb_object_agg(m.marker, true) FROM staging.null_markers m))
                )::staging.order_line, staging.start_of_day(%(day)s::date - 400), staging.start_of_day(%(day)s::date + 1)
            )) WITH ORDINALITY AS d (reason, value, place) GROUP BY d.reason) AS p) AS problems
    FROM records v
    LEFT JOIN staging.codes c ON c.kind = 'order_status' AND c.source_value = lower(staging._trimmed(v.status) COLLATE "C")
    LEFT JOIN warehouse.order_statuses s ON s.status = c.canonical_value
"""  # noqa: E501


@pytest.mark.once  # two routines of ours agree
@settings(PROPERTY, max_examples=15)
@given(records=st.lists(order_records, min_size=20, max_size=20))
def test_an_order_line_is_taken_exactly_when_order_problems_finds_nothing(
    values_warehouse: Warehouse, records: list[dict[str, Any]]
) -> None:
    """clean_orders asks the careful function only about lines that its cheap tests doubt: they never disagree."""
    values_warehouse.execute("UPDATE audit.settings SET value = '1' WHERE name = 'partial_orders'")
    lines = [json.dumps({"order_id": f"O-{number}"} | record) for number, record in enumerate(records)]
    content = "\n".join(lines) + "\n"
    warehouse = values_warehouse
    warehouse.landing.put("orders", DAY, "orders.ndjson", content)
    warehouse.deliver(DAY)
    load_id = warehouse.value("SELECT max(load_id) FROM raw.file_loads")
    warehouse.call("staging.clean_orders", DAY)

    by_function = {
        (row.order_id, row.line_number): row.problems
        for row in warehouse.connection.execute(PROBLEMS, {"load_id": load_id, "day": DAY})
    }
    taken = {(row.order_id, row.line_number): None for row in warehouse.rows("SELECT * FROM staging.orders_clean")}
    refused = {
        (row.record_id, row.item_number): row.failure_reason
        for row in warehouse.rows("SELECT * FROM audit.bad_records")
    }
    assert taken | refused == by_function
    assert len(taken) + len(refused) == len(by_function)
