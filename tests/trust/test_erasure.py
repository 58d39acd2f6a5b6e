"""A person who asks for it is taken out of the warehouse: no row, count or sum goes with them.

On every version: what is in PostgreSQL's hands (JSON, bytes, locks, privileges, statistics); on one (once) the rest.
"""

import copy
import json
import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.rows import tuple_row
from pytest_postgresql.executors.noop import NoopExecutor

from embedded.server import EmbeddedServer
from ops.migrate import upgrade
from tests.conftest import Warehouse, copy_of, new_warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.rebuild import empty_all_but_raw
from tests.shop import basket, checksums, event, events, item, order, orders, product

FRIDAY = date(2025, 12, 19)
# Days of two months: the first one is compacted.
DAYS = [date(2025, 11, 28), FRIDAY - timedelta(1), FRIDAY]
PERSON = "zoë.7391@shop.example"
OTHER = "U-1"
CITY, NAME = "Husum-Nord", "Zoë Petersen"
ERASE = "CALL audit.erase_user(%s, %s)"
REASON = "request of 19 December, ticket 4711"

# Everything that is counted or summed, by day and by what it is counted by.
NUMBERS = {
    "metrics": "SELECT * FROM warehouse.daily_metrics ORDER BY run_date",
    "revenue": "SELECT date_id, status, count(*), sum(revenue), sum(quantity), count(DISTINCT user_id)"
    " FROM warehouse.fact_orders GROUP BY 1, 2 ORDER BY 1, 2",
    "products": "SELECT product_id, count(*), sum(revenue) FROM warehouse.order_lines GROUP BY 1 ORDER BY 1",
    "orders by customer": "SELECT count(*), sum(revenue) FROM warehouse.fact_orders GROUP BY user_id ORDER BY 1, 2",
    "events": "SELECT date_id, event_type, count(*), count(DISTINCT user_id)"
    " FROM warehouse.fact_events GROUP BY 1, 2 ORDER BY 1, 2",
    "users": "SELECT count(*), min(first_seen_at), max(last_seen_at) FROM warehouse.dim_user",
    "loads": "SELECT * FROM staging.loads ORDER BY source, load_date",
    "deliveries": "SELECT load_id, source, run_date, file_name, sha256, byte_count, row_count, rejected_count"
    " FROM raw.file_loads ORDER BY load_id",
    "rejected": "SELECT run_date, source_table, load_id, raw_id, item_number, record_id, line_number,"
    " split_part(failure_reason, 'it has', 1) FROM audit.bad_records ORDER BY bad_record_id",
    "superseded": "SELECT order_id, line_number, revenue FROM warehouse.orders_superseded ORDER BY 1, 2",
    "verdicts": "SELECT rule_name, run_id, passed, failed_count, observed FROM audit.dq_results ORDER BY 1, 2",
    "raw": "SELECT raw_orders_id, load_id, line_number FROM raw.orders_json ORDER BY 1",
}  # fmt: skip


def put(warehouse: Warehouse, day: date) -> None:
    """Put a day into the landing zone on which the person does everything that a person can do."""
    person = {"user_id": PERSON, "city": CITY, "signup_date": "2019-05-03", "marketing_source": "newsletter-7391"}
    secrets = {"name": NAME, "customer": {"id": PERSON, "email": PERSON}, "note": f"call {NAME}"}
    records = [
        *orders(30, day),
        order(f"flat-{day}", day, **person, **secrets),
        order(f"blanks-{day}", day, **(person | {"user_id": f"  {PERSON}\t"})),
        basket(
            f"basket-{day}", [], day, user_id=PERSON,
            user={"city": CITY, "signup_date": "2019-05-03", "email": PERSON},
        ) | {"items": [item("P-1", engraving=NAME), item("P-2", 3, "1.50"), item("P-3", 0), NAME, None]},
        order("again", day, **(person | {"quantity": day.day})),
        # Rejected, each for something that goes with the person: the reasons have to stay.
        order(f"no-price-{day}", day, price="much", **person),
        order(f"no-signup-{day}", day, **(person | {"signup_date": f"ask {NAME}"})),
        order(f"odd-city-{day}", day, **(person | {"city": {"name": CITY}})),
        order(f"odd-source-{day}", day, **(person | {"marketing_source": [NAME]})),
        order(f"odd-user-{day}", day, user=NAME, **person),
        order(f"nested-{day}", day, user_id={"id": PERSON}),
        basket(f"no-items-{day}", [], day, user_id=PERSON),
        basket(f"odd-items-{day}", [], day, user_id=PERSON) | {"items": NAME},
        order(f"nul-{day}", day, **(person | {"note": "\0"})),
        # Orders of others that mention the person.
        order(f"gift-{day}", day, user_id=OTHER, gift_for=PERSON, referred={"by": [PERSON, "U-2"]}),
        order(f"similar-{day}", day, user_id=f"{PERSON}.org", city=f"{CITY}-2"),
    ]  # fmt: skip
    # One producer writes umlauts as they are, one escapes them.
    text = "".join(
        json.dumps(record, ensure_ascii=number % 2 == 0, default=str) + "\n" for number, record in enumerate(records)
    )
    text += f'"{PERSON}"\n[["{PERSON}"]]\n'
    text += f'{{"user_id": "{PERSON}", "name": "{NAME}", broken\n'
    text += f'{{"user_id": {json.dumps(PERSON)}, "also": "broken"\n'
    warehouse.landing.put("orders", day, "orders.ndjson", text)
    warehouse.landing.put("orders", day, "refused.json", f'[{{"user_id": "{PERSON}"}}')
    warehouse.landing.put("events", day, "refused.csv", f"E-9,{PERSON},P-1\n")
    rows = [
        *events(30, day),
        event(f"mine-{day}", day, user_id=PERSON, ip="192.0.2.77"),
        event(f"late-{day}", day - timedelta(1), user_id=PERSON, ip="192.0.2.77"),
        event("late-again", DAYS[0], user_id=PERSON),
        event(f"bad-{day}", day, user_id=PERSON, event_ts="yesterday", ip="192.0.2.77"),
        event(f"refers-{day}", day, user_id=OTHER, ip="192.0.2.1", referrer=PERSON),
    ]
    columns = ("event_id", "user_id", "product_id", "event_type", "event_ts", "ip", "referrer")
    path = warehouse.landing.events(day, rows, columns=columns)
    path.write_text(f"{path.read_text()}E-short,{PERSON},P-1\n")
    reviews = [{"by": PERSON, "stars": 5}]
    warehouse.landing.products(day, [product("P-1", reviews=reviews), product("P-2")])


def load(warehouse: Warehouse) -> Any:
    """Load all days, and merge the closed month."""
    warehouse.execute(RULES_OFF)
    warehouse.execute(
        "INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, severity, sample, description)"
        " VALUES ('known', 'users', 'staging.orders_clean', $$order_id NOT LIKE 'flat-%'$$, 'warning', 'user_id', 'x')"
    )
    for day in DAYS:
        put(warehouse, day)
        warehouse.run(day)
    warehouse.call("warehouse.compact_partitions", date(2025, 12, 1))
    return warehouse


@pytest.fixture(scope="module")
def three_days(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse in which the person is everywhere."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("three-days")) as made:
        yield load(made)


@pytest.fixture
def loaded(three_days: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it."""
    with copy_of(three_days, tmp_path) as copy:
        yield copy


@pytest.fixture(scope="module")
def one_day(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A day on which the person does everything that a person can do."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("one-day")) as made:
        made.execute(RULES_OFF)
        put(made, FRIDAY)
        made.run(FRIDAY)
        yield made


@pytest.fixture
def friday(one_day: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it."""
    with copy_of(one_day, tmp_path) as copy:
        yield copy


@pytest.fixture(scope="module")
def small_day(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A day with one order of the person."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("small-day")) as made:
        made.execute(RULES_OFF)
        made.landing.orders(FRIDAY, [*orders(5, FRIDAY), order("mine", user_id=PERSON)])
        made.landing.events(FRIDAY, events(5, FRIDAY))
        made.run(FRIDAY)
        yield made


@pytest.fixture
def small(small_day: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it."""
    with copy_of(small_day, tmp_path) as copy:
        yield copy


def numbers(warehouse: Warehouse) -> dict[str, list[Any]]:
    cursor = warehouse.connection.cursor(row_factory=tuple_row)
    return {name: cursor.execute(query).fetchall() for name, query in NUMBERS.items()}


def dump(warehouse: Warehouse, server: EmbeddedServer) -> str:
    """Return the whole database as pg_dump writes it, with statistics where it can."""
    command = [server.binaries() / "pg_dump", "-d", warehouse.dsn, "--inserts"]
    if warehouse.connection.info.server_version >= 180000:
        command.append("--statistics")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def traces(text: str) -> list[str]:
    """Return the lines of a dump in which anything of the person is left."""
    escaped = PERSON.replace("ë", r"\303\253"), PERSON.replace("ë", r"\u00eb"), PERSON.encode().hex()
    wanted = (PERSON, *escaped, NAME, CITY + "'", f'"{CITY}"', "newsletter-7391", "2019-05-03", "192.0.2.77")
    # Somebody else, whose name begins the same.
    for name in (PERSON, *escaped):
        text = text.replace(f"{name}.org", "")
    lines = text.replace(f"{CITY}-2", "").splitlines()
    return [line for line in lines if any(word in line for word in wanted)]


@pytest.mark.once
def test_numbers_stay_the_person_is_gone_and_raw_makes_the_same_again(
    loaded: Warehouse, server: EmbeddedServer
) -> None:
    loaded.execute("ANALYZE")
    assert len(traces(dump(loaded, server))) > 100
    before = numbers(loaded)
    owner = loaded.connect("warehouse_owner")
    owner.execute(ERASE, [PERSON, REASON])
    found = numbers(loaded)
    assert {name for name in NUMBERS if found[name] != before[name]} == set()
    assert traces(dump(loaded, server)) == []
    assert broken_promises(loaded.connection) == {}
    # What was the person's is still one person's.
    (member,) = loaded.rows("SELECT * FROM warehouse.dim_user WHERE user_id LIKE 'erased-%'")
    assert (member.city, member.signup_date, member.marketing_source, member.is_inferred) == (None, None, None, True)
    for table in ("staging.orders_clean", "staging.events_clean", "warehouse.fact_orders", "warehouse.fact_events"):
        assert loaded.value(f"SELECT count(*) FROM {table} WHERE user_id = %s", member.user_id) > 0
    # Others are as they were, and so is what the warehouse read of them.
    assert loaded.value("SELECT count(*) FROM warehouse.fact_orders WHERE user_id = %s", f"{PERSON}.org") == len(DAYS)
    gift = loaded.row("SELECT raw_json FROM raw.orders_json WHERE raw_json::text LIKE %s", f'%"gift-{FRIDAY}"%')
    assert gift.raw_json["user_id"] == OTHER
    assert gift.raw_json["city"] == "Berlin"
    assert gift.raw_json["gift_for"] == member.user_id
    assert gift.raw_json["referred"] == {"by": [member.user_id, "U-2"]}

    left = checksums(loaded.connection)
    loaded.call("warehouse.run_range", DAYS[0], DAYS[-1])
    assert checksums(loaded.connection) == left
    empty_all_but_raw(loaded)
    loaded.call("warehouse.run_range", DAYS[0], DAYS[-1])
    assert checksums(loaded.connection) == left
    assert traces(dump(loaded, server)) == []


@pytest.mark.once
def test_a_person_who_is_delivered_again_is_a_guest(friday: Warehouse, server: EmbeddedServer) -> None:
    before = friday.row("SELECT * FROM warehouse.daily_metrics")
    owner = friday.connect("warehouse_owner")
    owner.execute(ERASE, [PERSON, REASON])
    once = checksums(friday.connection, ["raw"])
    # The same files change nothing.
    friday.run(FRIDAY)
    assert checksums(friday.connection, ["raw"]) == once
    assert friday.value("SELECT delivered_again_at FROM audit.erased_users") is None
    # Files with a line more do: the last one of a name is in force.
    path = friday.landing.path("orders", FRIDAY) / "orders.ndjson"
    lines = [line for line in path.read_text().splitlines() if f"gift-{FRIDAY}" not in line]
    path.write_text("\n".join([*lines, json.dumps(order("new", user_id=PERSON, price=1, email=PERSON)), ""]))
    path = friday.landing.path("events", FRIDAY) / "events.csv"
    lines = [line for line in path.read_text().splitlines() if "refers" not in line]
    path.write_text("\n".join([*lines, f"E-new,{PERSON},P-1,click,{FRIDAY}T12:00:00Z,192.0.2.77,", ""]))
    for name in ("orders/refused.json", "events/refused.csv", "products/products.json"):
        source, file = name.split("/")
        friday.landing.remove(source, FRIDAY, file)
    friday.run(FRIDAY)
    assert traces(dump(friday, server)) == []
    assert broken_promises(friday.connection) == {}
    after = friday.row("SELECT * FROM warehouse.daily_metrics")
    assert after.fact_events_count == before.fact_events_count  # one more, and the one that refers left out
    assert after.raw_order_lines_count == before.raw_order_lines_count  # the same
    assert friday.rows("SELECT user_id FROM warehouse.fact_orders WHERE order_id = 'new'") == [("(guest)",)]
    assert friday.rows("SELECT user_id FROM warehouse.fact_events WHERE event_id = 'E-new'") == [("(guest)",)]
    assert friday.value("SELECT delivered_again_at FROM audit.erased_users") is not None
    # The pseudonym has nothing left, and goes as every member does that nothing mentions.
    assert friday.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id LIKE 'erased-%'") == 0


@pytest.mark.once
@pytest.mark.parametrize("person", [pytest.param("maria@shop.example", marks=pytest.mark.once), "zoë"])
def test_rejected_rows_of_a_person_whose_raw_is_gone_lose_their_text_too(warehouse: Warehouse, person: str) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.execute("UPDATE audit.settings SET value = '0' WHERE name = 'raw_keep_days'")
    day = DAYS[0]
    bad = [order(f"O-{user}", day, user_id=user, quantity=0) for user in (person, OTHER)]
    warehouse.landing.orders(day, [*orders(3, day), order("O-good", day, user_id=person), *bad])
    # Lines that cannot be taken are kept as bytes, in escapes.
    broken = [f'{{"order_id": "O-{number}", "user_id": "{user}"' for number, user in enumerate((person, OTHER))]
    warehouse.landing.put("orders", day, "broken.ndjson", "\n".join(broken) + "\n")
    for _ in range(2):  # delivered again after it was dropped, and dropped again
        warehouse.run(day)
        warehouse.call("warehouse.compact_partitions", date(2025, 12, 1))
    assert warehouse.value("SELECT count(*) FROM raw.orders_json") == 0
    warehouse.execute(ERASE, person, REASON)
    left = "SELECT record_id, raw_data IS NOT NULL FROM audit.bad_records ORDER BY file_name DESC, line_number"
    assert warehouse.rows(left) == [(f"O-{person}", False), (f"O-{OTHER}", True), (None, False), (None, True)]


@pytest.mark.once
def test_all_rejected_lines_of_an_order_go_with_its_first_whose_text_says_whose_it_was(warehouse: Warehouse) -> None:
    """The order's text is kept once: the rows of its other lines have their item, which may hold anything."""
    warehouse.execute(RULES_OFF)
    warehouse.execute("UPDATE audit.settings SET value = '0' WHERE name = 'raw_keep_days'")
    day = DAYS[0]
    lines = [item(f"P-{n}", quantity=0, engraving="Maria") for n in range(3)]
    warehouse.landing.orders(day, [basket(f"O-{user}", lines, day, user_id=user) for user in (PERSON, OTHER)])
    warehouse.run(day)
    warehouse.call("warehouse.compact_partitions", date(2025, 12, 1))
    warehouse.execute(ERASE, PERSON, REASON)
    left = (
        "SELECT record_id, item_number, raw_data IS NOT NULL FROM audit.bad_records ORDER BY line_number, item_number"
    )
    assert warehouse.rows(left) == [
        (f"O-{user}", number, user == OTHER) for user in (PERSON, OTHER) for number in (1, 2, 3)
    ]


ODD = (None, "", " ", "1", 1, 0, -3, 2.5, "x", "2025-12-19", "2025-12-19T09:00:00Z", "2031-01-01", "paid", "bogus",
       True, {}, {"a": "b"}, [], ["a"], [{}], "{", "[x]", "y" * 600, 1e400, "\0", "\ud800", PERSON)  # fmt: skip
FIELDS = ("order_id", "product_id", "quantity", "price", "timestamp", "status", "city", "signup_date",
          "marketing_source", "user", "items", "email")  # fmt: skip


def odd_order(chosen: random.Random, number: int) -> dict[str, Any]:
    """Return an order of the person that is wrong in some ways, or in none."""
    made = order(f"O-{number}", user_id=PERSON)
    if chosen.random() < 0.5:
        made = basket(f"O-{number}", [item(), item("P-2")], user_id=PERSON)
    for name in chosen.sample(FIELDS, chosen.choice([0, 1, 1, 2, 3])):
        made[name] = copy.deepcopy(chosen.choice(ODD))
    for part in [made.get("user"), *(made["items"] if isinstance(made.get("items"), list) else [])]:
        if isinstance(part, dict) and chosen.random() < 0.3:
            part[chosen.choice(FIELDS)] = copy.deepcopy(chosen.choice(ODD))
    if chosen.random() < 0.1 and isinstance(made.get("items"), list):
        made["items"].append(copy.deepcopy(chosen.choice(ODD)))
    return made


@pytest.mark.once
def test_whatever_is_wrong_with_an_order_stays_wrong_in_the_same_way(warehouse: Warehouse) -> None:
    """What is left of an order is judged as the order was: rebuilt from raw, every count and reason is the same."""
    warehouse.execute(RULES_OFF)
    chosen = random.Random(4711)
    text = "".join(json.dumps(odd_order(chosen, number), default=str) + "\n" for number in range(600))
    warehouse.landing.put("orders", FRIDAY, "odd.ndjson", text.replace("Infinity", "1e400"))
    warehouse.landing.events(FRIDAY, events(3, FRIDAY))
    warehouse.run(FRIDAY)
    columns = "order_id, line_number, product_id, quantity, unit_price, order_ts, status, emptied, staging_orders_id"
    clean = f"SELECT {columns} FROM staging.orders_clean ORDER BY staging_orders_id"
    rejected = (
        "SELECT load_id, raw_id, item_number, line_number, failure_reason FROM audit.bad_records"
        " ORDER BY load_id, line_number, item_number, failure_reason"
    )
    before = warehouse.rows(clean), warehouse.rows(rejected)
    assert len(before[0]) > 150
    assert len({reason for *_, reasons in before[1] for reason in reasons.split("; ")}) > 15
    warehouse.execute(ERASE, PERSON, REASON)
    left = checksums(warehouse.connection)
    empty_all_but_raw(warehouse)
    warehouse.call("warehouse.run_day", FRIDAY)
    assert warehouse.rows(clean) == before[0]
    assert warehouse.rows(rejected) == before[1]
    assert checksums(warehouse.connection) == left


@pytest.mark.once
def test_a_user_id_that_is_a_number_takes_no_number_with_it(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    seven = order("O-1", user_id=7, product_id="7", quantity=7, price=7, city="7", coupon=7)
    other = order("O-2", product_id="7", quantity="7", price="7", coupon="7", parcels=7)
    warehouse.landing.orders(FRIDAY, [seven, other, order("7", quantity="-7", user_id="17")])
    warehouse.landing.events(FRIDAY, [event("E-7", user_id="7", product_id="7"), event("7", user_id="77")])
    warehouse.landing.put("events", FRIDAY, "short.csv", "event_id,event_type,event_ts\n7,x,y,z\n")
    warehouse.run(FRIDAY)
    before = numbers(warehouse)
    warehouse.execute(ERASE, "7", REASON)
    assert numbers(warehouse) == before
    assert [row.reason for row in warehouse.rows("SELECT reason FROM raw.rejected_lines")] == [
        "4 fields; the header has 3"
    ]
    first, second, third = [
        row.raw_json for row in warehouse.rows("SELECT raw_json FROM raw.orders_json ORDER BY raw_orders_id")
    ]
    pseudonym = first.pop("user_id")
    assert pseudonym.startswith("erased-")
    assert first == {"order_id": "O-1", "product_id": "7", "quantity": 7, "price": 7, "status": "paid",
                     "timestamp": "2025-12-19T10:00:00Z"}  # fmt: skip
    assert (second["product_id"], second["quantity"], second["parcels"]) == ("7", "7", 7)
    assert second["coupon"] == pseudonym
    assert (third["user_id"], third["order_id"], third["quantity"]) == ("17", "7", "-7")


@pytest.mark.once
def test_an_erasure_is_recorded_without_naming_the_person(friday: Warehouse) -> None:
    owner = friday.connect("warehouse_owner")
    owner.execute(ERASE, [f" {PERSON} ", REASON])
    record = friday.row("SELECT * FROM audit.erasures")
    assert (record.erased_by, record.reason) == (friday.connection.info.user, REASON)
    assert min(record.raw_rows, record.staging_rows, record.warehouse_rows, record.audit_rows) > 5
    assert any("Now VACUUM" in notice for notice in friday.notices)
    (found,) = [notice for notice in friday.notices if notice.startswith("found: ")]
    assert re.fullmatch(r"found: \d\d+ rows of raw that mention the user, of 1 days", found)
    # What tells the person again is for the owner only, and does not lead to the pseudonym.
    secret = friday.row("SELECT * FROM audit.erased_users")
    assert secret._fields == ("digest", "salt", "delivered_again_at", "rewriting", "pseudonym", "erasure_id")
    assert (len(secret.digest), len(secret.salt)) == (32, 32)
    assert secret[3:] == (None, None, None)
    assert record.ended_at >= record.erased_at
    assert friday.value("SELECT sha256(%s || convert_to(%s, 'UTF8'))", secret.salt, PERSON) == secret.digest
    # Again: there is nothing left.
    owner.execute(ERASE, [PERSON, REASON])
    assert "that user was erased already, and nothing has come since" in friday.notices
    assert friday.value("SELECT count(*) FROM audit.erasures") == 1
    # Another person has the same salt and another digest and pseudonym.
    owner.execute(ERASE, [f"{PERSON}.org", REASON])
    assert friday.row("SELECT count(DISTINCT salt) AS salts, count(*) AS users FROM audit.erased_users") == (1, 2)
    assert friday.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id LIKE 'erased-%'") == 2
    # And raw is as immutable as before, for the one who may erase, too.
    for change in ("UPDATE raw.orders_json SET line_number = 0", "DELETE FROM raw.events_csv",
                   "TRUNCATE raw.file_loads", "UPDATE raw.orders_json_p_2025_12 SET line_number = 0"):  # fmt: skip
        with pytest.raises(psycopg.Error, match="immutable") as refused:
            owner.execute(change)
        assert refused.value.sqlstate == "WH010"


@pytest.mark.once
def test_an_erasure_that_another_session_has_ended_meanwhile_is_told_so_and_done(loaded: Warehouse) -> None:
    loaded.execute(ERASE, PERSON, REASON)
    # A session that was between two of its transactions finds nothing left to do.
    for stage in ("find", "days", "rest", "statistics"):
        assert loaded.value("SELECT audit._erase_next(%s, %s, %s)", PERSON, REASON, stage) is None
    assert loaded.notices.count("another session has completed this erasure") == 4


def test_what_cannot_be_erased_is_refused_and_nothing_changes(small: Warehouse) -> None:
    everything = checksums(small.connection, ["raw", "staging", "warehouse", "audit"])
    owner = small.connect("warehouse_owner")
    for user_id, reason, state in [
        (None, REASON, "WH004"), (" ", REASON, "WH004"), ("U-1", None, "WH004"), ("U-1", " ", "WH004"),
        ("(guest)", REASON, "WH004"), ("x" * 513, REASON, "WH004"), ("U-1", "U-1 asked for it", "WH004"),
        ("U-111", REASON, "WH013"), ("u-1", REASON, "WH013"),
    ]:  # fmt: skip
        with pytest.raises(psycopg.Error) as refused:
            owner.execute(ERASE, [user_id, reason])
        assert refused.value.sqlstate == state, user_id
        assert refused.value.diag.message_hint
    # A snapshot of before would miss what was loaded since.
    owner.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    with pytest.raises(psycopg.Error, match="READ COMMITTED"):
        owner.execute(ERASE, ["U-1", REASON])
    owner.execute("ROLLBACK")
    for role in ("warehouse_runner", "warehouse_loader", "warehouse_analyst", "warehouse_checker", "warehouse_shaper"):
        connection = small.connect(role)
        for statement in (ERASE, "SELECT audit._erase_next(%s, %s, 'begin')"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement, ["U-1", REASON])
    # In somebody's transaction it is a part of it.
    owner.execute("BEGIN")
    owner.execute(ERASE, ["U-1", REASON])
    owner.execute("ROLLBACK")
    assert checksums(small.connection, ["raw", "staging", "warehouse", "audit"]) == everything


def test_an_erasure_waits_for_what_runs_and_what_comes_waits_for_it(small: Warehouse) -> None:
    # As a step does, and a load; and, beyond that, as an upgrade: who holds two locks is named once.
    running = small.connect()
    running.execute("BEGIN")
    running.execute("SELECT warehouse._lock_warehouse_exclusive()")
    running.execute("SELECT raw.open_load('orders', %s, 'x.json', %s)", [FRIDAY, "1" * 64])
    owner = small.connect("warehouse_owner")
    owner.execute("SET lock_timeout = '200ms'")
    with pytest.raises(psycopg.Error, match="stayed in use") as refused:
        owner.execute(ERASE, [PERSON, REASON])
    assert refused.value.sqlstate == "WH006"
    assert f"with pid {running.info.backend_pid}: " in refused.value.diag.message_detail
    assert small.value("SELECT count(*) FROM warehouse.fact_orders WHERE user_id = %s", PERSON) == 1
    running.execute("ROLLBACK")

    # A delivery of the person, and a run, that come while the erasure is not yet committed.
    owner.execute("BEGIN")
    owner.execute(ERASE, [PERSON, REASON])
    small.landing.orders(FRIDAY, [*orders(5, FRIDAY), order("mine", user_id=PERSON), order("too", user_id=PERSON)])
    coming = threading.Thread(target=small.run, args=[FRIDAY])
    coming.start()
    waits = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with small.connect() as watching:
        while not watching.execute(waits).fetchone()[0]:
            time.sleep(0.02)
            assert coming.is_alive()
    owner.execute("COMMIT")
    coming.join()
    found = small.rows("SELECT user_id FROM warehouse.fact_orders WHERE order_id IN ('mine', 'too')")
    assert found == [("(guest)",), ("(guest)",)]
    assert small.value("SELECT count(*) FROM raw.orders_json WHERE raw_json::text LIKE %s", f"%{PERSON}%") == 0


# -- what it costs, and who waits ---------------------------------------------------------------------


def calls(connection: Any, like: str) -> int:
    """Return how often routines were called since the server began to count in this database."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    return connection.execute(
        "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_user_functions WHERE schemaname || '.' || funcname ~ %s",
        [like],
    ).fetchone()[0]


@pytest.mark.once
@pytest.mark.parametrize(
    "person", [pytest.param("berlin", marks=pytest.mark.once), "zoë", pytest.param("7", marks=pytest.mark.once)]
)
def test_only_what_may_be_the_persons_is_looked_at_closely(warehouse: Warehouse, person: str) -> None:
    """Escapes, substrings of others' texts and numbers that look like the user_id cost nothing worth mentioning."""
    warehouse.execute(RULES_OFF)
    others = [
        order(f"O-{n}", user_id=f"U-{person}-{n}", city="Köln", product_id="7", note=f'7 \\ {person}er {n} " é')
        for n in range(1500)
    ]
    mine = [order("mine", user_id=person, coupon=f"{person}x"), order("gift", gift_for=f" {person}\t")]
    warehouse.landing.orders(FRIDAY, others + mine, "orders.ndjson")
    warehouse.landing.events(FRIDAY, events(3, FRIDAY))
    warehouse.run(FRIDAY)
    owner = warehouse.connect()
    owner.execute("SET track_functions = 'all'")
    before = calls(owner, "^(raw|audit|staging)[.]")
    owner.execute(ERASE, [person, REASON])
    assert calls(owner, "^raw[.]_order_without_user$") == 2
    assert calls(owner, "^(raw|audit|staging)[.]") - before < 1000
    assert warehouse.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id = %s", person) == 0
    kept = [row.raw_json for row in warehouse.rows("SELECT raw_json FROM raw.orders_json ORDER BY raw_orders_id")]
    pseudonym = kept[-2]["user_id"]
    assert pseudonym.startswith("erased-")
    assert "coupon" not in kept[-2]
    assert kept[-1]["gift_for"] == pseudonym
    assert kept[:-2] == json.loads(json.dumps(others, default=float))


@pytest.mark.once
def test_a_load_after_an_erasure_calls_nothing_per_record(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    warehouse.execute(f"ALTER DATABASE {warehouse.connection.info.dbname} SET track_functions = 'all'")
    warehouse.landing.orders(FRIDAY, [order("mine", user_id=PERSON)])
    warehouse.landing.events(FRIDAY, events(3, FRIDAY))
    warehouse.run(FRIDAY)
    warehouse.execute(ERASE, PERSON, REASON)
    counted = []
    for day in (FRIDAY + timedelta(1), FRIDAY + timedelta(2)):
        baskets = [basket(f"B-{n}", [item()], day, user_id=None, note="é") for n in range(300)]
        warehouse.landing.orders(day, [*orders(500, day), *baskets])
        warehouse.landing.events(day, events(500, day))
        before = calls(warehouse.connection, "^(raw|audit|staging)[.]")
        warehouse.deliver(day)
        counted.append(calls(warehouse.connection, "^(raw|audit|staging)[.]") - before)
    assert max(counted) < 150, counted


def waiting(watching: Any, thread: threading.Thread, locktype: str) -> None:
    """Return when a session of this database waits for such a lock."""
    waits = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    while not watching.execute(waits, [locktype]).fetchone()[0]:
        time.sleep(0.02)
        assert thread.is_alive()


@pytest.mark.once
def test_other_days_load_while_an_erasure_searches(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    for day in DAYS:
        warehouse.landing.orders(day, [*orders(5, day), order(f"mine-{day}", day, user_id=PERSON)])
        warehouse.landing.events(day, events(5, day))
        warehouse.run(day)
    # It reads all months of raw: this one keeps it there.
    holding = warehouse.connect()
    holding.execute("BEGIN")
    holding.execute("LOCK TABLE raw.orders_json_p_2025_11 IN ACCESS EXCLUSIVE MODE")
    owner = warehouse.connect("warehouse_owner")
    erasing = threading.Thread(target=owner.execute, args=[ERASE, [PERSON, REASON]])
    erasing.start()
    waiting(warehouse.connect(), erasing, "relation")
    # A delivery of the person that comes meanwhile is a guest's already.
    warehouse.execute("SET lock_timeout = '20s'")
    day = FRIDAY + timedelta(1)
    warehouse.landing.orders(day, [*orders(5, day), order("new", day, user_id=PERSON)])
    warehouse.landing.events(day, events(5, day))
    warehouse.run(day)
    assert erasing.is_alive()
    assert warehouse.rows("SELECT user_id FROM warehouse.fact_orders WHERE order_id = 'new'") == [("(guest)",)]
    holding.execute("ROLLBACK")
    erasing.join()
    assert warehouse.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id = %s", PERSON) == 0
    assert warehouse.value("SELECT count(*) FROM raw.orders_json WHERE raw_json::text LIKE %s", f"%{PERSON}%") == 0
    assert broken_promises(warehouse.connection) == {}


@pytest.mark.parametrize(
    "in_the_middle", ["a run", *(pytest.param(what, marks=pytest.mark.once) for what in ("a delivery", "nothing"))]
)
def test_an_erasure_that_was_interrupted_goes_on(loaded: Warehouse, server: EmbeddedServer, in_the_middle: str) -> None:
    """It ends in the middle of a day: what a run makes of that is part the pseudonym's, part the person's."""
    loaded.execute("UPDATE audit.settings SET value = '2' WHERE name = 'erase_batch_rows'")
    before = numbers(loaded)
    day = DAYS[1]
    kept = loaded.connect()
    kept.execute("BEGIN")
    kept.execute(
        "SELECT FROM raw.orders_json WHERE run_date = %s AND raw_json::text LIKE %s FOR UPDATE",
        [day, f'%"blanks-{day}"%'],
    )
    owner = loaded.connect("warehouse_owner")
    owner.execute("SET lock_timeout = '300ms'")
    with pytest.raises(psycopg.Error) as refused:
        owner.execute(ERASE, [PERSON, REASON])
    assert refused.value.sqlstate == "55P03"
    assert "Call it again to continue." in refused.value.diag.message_hint
    kept.execute("ROLLBACK")
    owner.execute("SET lock_timeout = 0")
    (record,) = loaded.rows("SELECT * FROM audit.erasures")
    assert record.ended_at is None
    assert record.raw_rows > 5
    pseudonym = loaded.value("SELECT pseudonym FROM audit.erased_users")
    members = "SELECT user_id FROM warehouse.user_loads WHERE load_date = %s AND user_id IN (%s, %s)"
    assert loaded.rows(members, DAYS[0], PERSON, pseudonym) == [(pseudonym,)]
    assert loaded.rows(members, day, PERSON, pseudonym) == [(PERSON,)]

    if in_the_middle == "a run":
        loaded.call("warehouse.run_range", DAYS[0], DAYS[-1])
        assert len(loaded.rows(members, day, PERSON, pseudonym)) == 2
    elif in_the_middle == "a delivery":
        path = loaded.landing.path("orders", day) / "orders.ndjson"
        path.write_text(path.read_text() + "\n")
        loaded.run(day)
    owner.execute(ERASE, [PERSON, "again: " + REASON])
    assert "an earlier erasure of that user was interrupted; it continues" in loaded.notices
    (record,) = loaded.rows("SELECT * FROM audit.erasures")
    assert record.ended_at is not None
    assert record.reason == REASON
    assert traces(dump(loaded, server)) == []
    assert broken_promises(loaded.connection) == {}
    assert loaded.row("SELECT pseudonym, erasure_id FROM audit.erased_users") == (None, None)
    if in_the_middle != "a delivery":  # which makes a guest of the person, for that day
        found = numbers(loaded)
        timed = {"metrics", "loads", "verdicts", "rejected"} if in_the_middle == "a run" else set()
        assert {name for name in NUMBERS if found[name] != before[name]} - timed == set()
        found = loaded.rows("SELECT user_id FROM warehouse.dim_user WHERE user_id LIKE 'erased-%'")
        assert found == [(pseudonym,)]
    if in_the_middle == "nothing":  # all numbers are those of before: that runs change nothing of them is seen above
        return
    left = checksums(loaded.connection)
    loaded.call("warehouse.run_range", DAYS[0], DAYS[-1])
    assert checksums(loaded.connection) == left
    empty_all_but_raw(loaded)
    loaded.call("warehouse.run_range", DAYS[0], DAYS[-1])
    assert checksums(loaded.connection) == left


# -- whatever the defaults are ------------------------------------------------------------------------

DEFAULTS = ("default_transaction_read_only = on", "DateStyle = 'SQL, DMY'", "TimeZone = 'Pacific/Apia'",
            "default_transaction_deferrable = on")  # fmt: skip


@pytest.mark.parametrize("isolation", ["repeatable read", pytest.param("serializable", marks=pytest.mark.once)])
def test_an_extract_that_waited_does_not_bring_the_person_back_whatever_the_defaults(
    small: Warehouse, isolation: str
) -> None:
    owner = small.connect("warehouse_owner")
    for default in (f"default_transaction_isolation = '{isolation}'", *DEFAULTS):
        small.execute(f"ALTER DATABASE {small.connection.info.dbname} SET {default}")
    owner.execute("BEGIN")
    owner.execute(ERASE, [PERSON, REASON])
    small.landing.orders(FRIDAY, [*orders(5, FRIDAY), order("mine", user_id=PERSON), order("too", user_id=PERSON)])
    coming = threading.Thread(target=small.deliver, args=[FRIDAY])
    coming.start()
    waiting(small.connection, coming, "advisory")
    owner.execute("COMMIT")
    coming.join()
    assert small.value("SELECT count(*) FROM raw.orders_json WHERE raw_json::text LIKE %s", f"%{PERSON}%") == 0
    assert small.value("SELECT count(*) FROM raw.file_loads") == 3
    # Steps, an erasure and a migration set it for themselves, too.
    session = small.connect()
    assert session.execute("SHOW transaction_isolation").fetchone() == (isolation,)
    session.execute("CALL warehouse.run_day(%s)", [FRIDAY])
    session.execute(ERASE, ["U-1", REASON])
    assert small.rows("SELECT user_id FROM warehouse.fact_orders WHERE order_id = 'too'") == [("(guest)",)]
    small.execute("DELETE FROM audit.routine_files WHERE path = 'raw/close_load.sql'")
    upgrade(small.dsn)
    assert small.value("SELECT count(*) FROM audit.routine_files WHERE path = 'raw/close_load.sql'") == 1


def test_a_delivery_in_a_transaction_with_an_older_snapshot_is_refused(warehouse: Warehouse) -> None:
    loader = warehouse.connect("warehouse_loader")
    for isolation in ("REPEATABLE READ", "SERIALIZABLE"):
        for statement in (
            "SELECT raw.open_load('orders', '2025-12-19', 'x.json', repeat('1', 64))",
            "SELECT raw.close_load(1, 'orders', '2025-12-19', 'x.json', repeat('1', 64), 0, 0, 0, NULL)",
        ):
            loader.execute(f"BEGIN ISOLATION LEVEL {isolation}")
            with pytest.raises(psycopg.Error, match=f"READ COMMITTED, not {isolation}") as refused:
                loader.execute(statement)
            assert refused.value.sqlstate == "WH004"
            assert refused.value.diag.message_hint
            loader.execute("ROLLBACK")


# -- where else the person is -------------------------------------------------------------------------


@pytest.mark.once
def test_what_is_beside_a_user_id_within_the_user_goes_with_it(warehouse: Warehouse, server: EmbeddedServer) -> None:
    warehouse.execute(RULES_OFF)
    person = {"user_id": PERSON, "name": NAME, "city": CITY}
    records = [
        order("guest", user_id=None, user=person, phone=NAME),
        order("id", user_id=None, user={"id": PERSON, "name": NAME}),
        order("deep", user_id=" ", user={"accounts": [{"login": PERSON}], "name": NAME}),
        order("list", user_id=None, user=[PERSON, NAME]),
        order("nested", user_id={"id": PERSON, "name": NAME}, city=CITY),
        order("other", user_id=OTHER, user=person | {"city": "Ulm"}, parcel="yes"),
        order("like", user_id=None, user={"id": f"{PERSON}.org", "name": "Zoë Petersen-Berg"}),
    ]
    warehouse.landing.orders(FRIDAY, records)
    warehouse.landing.events(FRIDAY, events(3, FRIDAY))
    warehouse.run(FRIDAY)
    columns = "order_id, line_number, user_id, product_id, quantity, status"
    clean = f"SELECT {columns} FROM staging.orders_clean ORDER BY 1"
    rejected = "SELECT record_id, raw_id, split_part(failure_reason, 'it has', 1) FROM audit.bad_records ORDER BY 2"
    before = warehouse.rows(clean), warehouse.rows(rejected)
    warehouse.execute(ERASE, PERSON, REASON)
    found = dump(warehouse, server).replace("Zoë Petersen-Berg", "").replace(r"Zo\u00eb Petersen-Berg", "")
    assert traces(found) == []
    rows = warehouse.rows("SELECT raw_json FROM raw.orders_json ORDER BY raw_orders_id")
    kept = {row.raw_json["order_id"]: row.raw_json for row in rows}
    assert {name for name, record in kept.items() if "user_id" not in record} == {"guest", "id", "deep", "list", "like"}
    assert kept["other"]["user_id"] == OTHER
    assert kept["other"]["parcel"] == "yes"
    assert set(kept["other"]["user"]) == {"user_id", "city"}
    assert kept["like"]["user"]["name"] == "Zoë Petersen-Berg"
    left = checksums(warehouse.connection)
    empty_all_but_raw(warehouse)
    warehouse.call("warehouse.run_day", FRIDAY)
    assert checksums(warehouse.connection) == left
    assert (warehouse.rows(clean), warehouse.rows(rejected)) == before
    # Delivered again they are the same.
    warehouse.landing.orders(FRIDAY, [*records[:3], records[-1]], "again.json")
    warehouse.run(FRIDAY)
    found = dump(warehouse, server).replace("Zoë Petersen-Berg", "").replace(r"Zo\u00eb Petersen-Berg", "")
    assert traces(found) == []


def test_statistics_of_parents_and_of_columns_together_forget_the_person(loaded: Warehouse) -> None:
    loaded.execute("CREATE STATISTICS staging.together (mcv) ON city, marketing_source FROM staging.orders_clean")
    loaded.execute("CREATE STATISTICS staging.spelled ON (lower(city)) FROM staging.orders_clean")
    loaded.execute("CREATE STATISTICS warehouse.together (mcv) ON user_id, status FROM warehouse.fact_orders")
    loaded.execute("ANALYZE")
    known = (
        "SELECT concat_ws('.', s.schemaname, s.tablename) AS name, s::text AS known FROM pg_stats s"
        " WHERE s.schemaname IN ('raw', 'staging', 'warehouse', 'audit')"
        " UNION ALL SELECT s.statistics_name, s::text FROM pg_stats_ext s"
        " UNION ALL SELECT s.statistics_name, s::text FROM pg_stats_ext_exprs s"
    )
    words = (PERSON, PERSON.encode().hex(), f"{CITY},", f"{CITY}}}", f"{CITY}\"", CITY.lower() + ",", "newsletter-7391",
             "2019-05-03")  # fmt: skip

    def knowing() -> set[str]:
        rows = [(row.name, row.known.replace(f"{PERSON}.org", "")) for row in loaded.rows(known)]
        return {name for name, text in rows if any(word in text for word in words)}

    assert {"staging.orders_clean", "warehouse.fact_orders", "raw.rejected_lines", "together"} <= knowing()
    loaded.execute(ERASE, PERSON, REASON)
    assert knowing() == set()


@pytest.mark.once
def test_samples_of_rules_forget_what_staging_said_of_the_person(warehouse: Warehouse, server: EmbeddedServer) -> None:
    warehouse.execute(RULES_OFF)
    for name, expression, sample in [
        ("known", "order_id <> 'mine'", "concat_ws(' ', city, signup_date, marketing_source)"),
        ("cast", "city::integer > 0", "city"),
        ("others", "order_id <> 'other'", "city"),
    ]:
        warehouse.execute(
            "INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, severity, sample, description)"
            " VALUES (%s, 'users', 'staging.orders_clean', %s, 'warning', %s, 'x')", name, expression, sample,
        )  # fmt: skip
    mine = order("mine", user_id=PERSON, city=CITY, signup_date="2019-05-03", marketing_source="newsletter-7391")
    warehouse.landing.orders(FRIDAY, [mine, order("other", city="Ulm", status="shipped")])
    warehouse.landing.events(FRIDAY, events(3, FRIDAY))
    warehouse.run(FRIDAY)
    assert CITY in str(warehouse.rows("SELECT sample, message FROM audit.dq_results WHERE rule_name = 'known'"))
    warehouse.execute(ERASE, PERSON, REASON)
    assert warehouse.value("SELECT sample FROM audit.dq_results WHERE rule_name = 'known'") == ["(erased)"]
    assert warehouse.value("SELECT sample FROM audit.dq_results WHERE rule_name = 'others'") == ["Ulm"]
    assert traces(dump(warehouse, server)) == []


@pytest.mark.once
def test_the_log_of_an_erasure_that_fails_does_not_name_the_person(
    warehouse: Warehouse, server: EmbeddedServer
) -> None:
    """Given as a parameter: what a client types into the statement itself the server logs before we see it."""
    warehouse.execute(RULES_OFF)
    person = f"{PERSON}.log"
    warehouse.landing.orders(FRIDAY, [*orders(5, FRIDAY), order("mine", user_id=person)])
    warehouse.landing.events(FRIDAY, events(5, FRIDAY))
    warehouse.run(FRIDAY)
    owner = warehouse.connect()
    owner.execute("SET lock_timeout = '200ms'")
    for row in ("staging.orders_clean", "warehouse.fact_orders", "warehouse.user_loads", "warehouse.dim_user"):
        holding = warehouse.connect()
        holding.execute("BEGIN")
        held = f"SELECT FROM {row} WHERE md5(user_id) = md5(%s) FOR UPDATE"
        holding.execute(held, [person])
        with pytest.raises(psycopg.Error) as refused:
            owner.execute(ERASE, [person, REASON])
        assert refused.value.sqlstate == "55P03"
        diagnosis = refused.value.diag
        told = (diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint, diagnosis.context)
        assert person not in str(told)
        holding.execute("ROLLBACK")
    # And one that would quote it: somebody's key on the dimension.
    warehouse.execute('CREATE TABLE marts.mine (user_id text COLLATE "C" REFERENCES warehouse.dim_user)')
    warehouse.execute("INSERT INTO marts.mine SELECT user_id FROM warehouse.dim_user WHERE user_id = %s", person)
    with pytest.raises(psycopg.Error) as refused:
        owner.execute(ERASE, [person, REASON])
    assert refused.value.sqlstate == "23503"
    assert "(the user)" in refused.value.diag.message_detail
    assert person not in str(refused.value)
    log = server.log.read_text(encoding="utf-8", errors="replace")
    assert "(the user)" in log
    assert person not in log
    assert "zo\\303\\253" not in log
    warehouse.execute("DROP TABLE marts.mine")
    owner.execute(ERASE, [person, REASON])
    assert warehouse.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id LIKE 'erased-%'") == 1


# -- publications -------------------------------------------------------------------------------------


def test_a_publication_of_all_tables_keeps_nothing_from_working(loaded: Warehouse, server: EmbeddedServer) -> None:
    """Rows of a published table are changed or taken away only where it says by what they are known."""
    loaded.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    # Late rows and a new state of what is there: facts move between days; a swap, and rows in place in a merged month.
    for day in DAYS:
        late = [
            order("again", day, quantity=day.day + 1),
            order(f"flat-{day}", DAYS[-1], status="shipped"),
            *orders(60, day),
        ]
        loaded.landing.orders(day, late)
        loaded.landing.events(day, [*events(9, day), event("late-again", DAYS[0]), event(f"late-{day}", DAYS[0])])
        loaded.run(day)
    for day in (DAYS[-1] + timedelta(1), DAYS[-1] + timedelta(31)):
        put(loaded, day)
        loaded.run(day)
    loaded.call("warehouse.compact_partitions", date(2026, 1, 1))
    loaded.execute(ERASE, PERSON, REASON)
    assert traces(dump(loaded, server)) == []
    put(loaded, DAYS[1])
    path = loaded.landing.path("orders", DAYS[1]) / "orders.ndjson"
    path.write_text(path.read_text() + json.dumps(order("new", DAYS[1], user_id=PERSON, price=1)) + "\n")
    loaded.run(DAYS[1])
    assert broken_promises(loaded.connection) == {}
    loaded.execute("UPDATE audit.settings SET value = '0' WHERE name LIKE '%keep_days'")
    loaded.call("warehouse.compact_partitions", date(2026, 1, 1))


def test_every_table_says_by_what_its_rows_are_known(loaded: Warehouse) -> None:
    unknown = loaded.rows(
        """
        SELECT c.oid::regclass::text AS name FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname IN ('raw', 'staging', 'warehouse', 'audit')
        LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
          AND NOT (c.relreplident IN ('f', 'i') OR c.relreplident = 'd' AND i.indexrelid IS NOT NULL)
        """
    )
    assert unknown == []
