-- Adds the pseudonym to the user dimension beside the user: facts need a member to refer to.
CREATE OR REPLACE FUNCTION audit._admit_pseudonym(p_user_id text, p_pseudonym text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_admit_pseudonym$
BEGIN
    INSERT INTO warehouse.dim_user AS d (user_id, first_seen_at, last_seen_at, is_inferred, created_at, updated_at)
    SELECT p_pseudonym, u.first_seen_at, u.last_seen_at, true, u.created_at, u.updated_at
    FROM warehouse.dim_user u WHERE u.user_id = p_user_id
    ON CONFLICT ON CONSTRAINT dim_user_pkey DO UPDATE
    SET first_seen_at = least(d.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(d.last_seen_at, excluded.last_seen_at),
        created_at = least(d.created_at, excluded.created_at)
    WHERE excluded.first_seen_at < d.first_seen_at OR excluded.last_seen_at > d.last_seen_at OR d.first_seen_at IS NULL;
END
$_admit_pseudonym$;
COMMENT ON FUNCTION audit._admit_pseudonym(text, text) IS 'Adds the pseudonym to the user dimension beside the user';
