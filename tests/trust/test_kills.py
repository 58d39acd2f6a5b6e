"""A day that is killed in every way, at a statement each: the short version of `make kills`.

KILLS_SEED=123 pytest tests/trust/test_kills.py       the same statements again
"""

import os
import random

import pytest

from tests.conftest import server_bindir
from trust.boundaries import statements
from trust.clients import KillFailed
from trust.kill_scenarios import SCENARIOS
from trust.kills import KINDS, lab

SEED = int(os.environ.get("KILLS_SEED") or random.randrange(2**32))

# A body with all that there is, and the number of the line on which each statement begins.
BODY = """
DECLARE
    v_text text := CASE WHEN true THEN 'BEGIN; END' ELSE $$;$$ END;
BEGIN
    PERFORM 1; PERFORM 2;  -- a comment; with a BEGIN
    IF v_text = ';' THEN
        RETURN;
    ELSIF (SELECT CASE WHEN true THEN 1 END) = 1 THEN
        v_text := E'it\\'s; THEN';
    ELSE
        NULL;
    END IF;
    FOR i IN 1..2 LOOP
        BEGIN
            COMMIT;
        EXCEPTION WHEN division_by_zero OR OTHERS THEN
            RAISE;
        END;
    END LOOP;
    <<again>>
    WHILE false LOOP
        EXIT again WHEN CASE v_text WHEN 'LOOP' THEN true END;
    END LOOP;
END
"""


def test_every_statement_is_a_place_to_stop_at() -> None:
    found = [BODY.count("\n", 0, offset) for offset, _ in statements(BODY)]
    assert found == [4, 4, 5, 6, 8, 10, 12, 14, 15, 16, 20, 21, 23]


@pytest.mark.once  # where transactions begin and end is ours
@pytest.mark.long
def test_whatever_is_killed_the_day_run_again_is_as_if_nobody_had_been(pytestconfig: pytest.Config) -> None:
    """One kill of each kind somewhere in the server's statements, and one of the client in its own."""
    print(f"KILLS_SEED={SEED}")
    chance = random.Random(SEED)
    first_load = SCENARIOS[0]
    with lab(server_bindir(pytestconfig)) as made:
        shop = made.prepare(first_load)
        places = {
            where: [p for p in made.places[first_load.name] if p.where == where] for where in ("server", "client")
        }
        assert len({place.name for place in places["server"]}) > 250
        for kind in KINDS:
            place = chance.choice(places["server"])
            print(kind, place.number, place.name)
            assert made.kill(place, kind)
        place = chance.choice(places["client"])
        print("client", place.number, place.name)
        assert made.kill(place, "client")

        # And what it would say of a warehouse that takes the dead for the living.
        shop.execute(
            "CREATE OR REPLACE FUNCTION audit.step_is_alive(p_step_id bigint) RETURNS boolean"
            " LANGUAGE sql AS 'SELECT true'"
        )
        inside = next(p for p in places["server"] if p.name.startswith("staging._clean_orders"))
        with pytest.raises(KillFailed, match="a step that died is taken for alive"):
            made.kill(inside, "backend")
