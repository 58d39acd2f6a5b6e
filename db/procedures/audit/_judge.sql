-- Judges a day by the enabled rules of one table (NULL: the rules without a table), in one scan.
--
-- Returns: a verdict per rule
-- If the rules cannot be evaluated together, each is evaluated alone: one that raises has failed, the others count.
CREATE OR REPLACE FUNCTION audit._judge(p_table_name text, p_load_date date)
RETURNS TABLE (rule_name text, passed boolean, failed_count bigint, checked_count bigint, observed numeric, message text, sample text[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_judge$
DECLARE
    v_rule    audit.dq_rules;
    v_rules   text[];
    v_query   text;
    v_values  jsonb;
    v_words   jsonb;
    v_error   text;
    v_is_row  boolean;
BEGIN
    SELECT array_agg(r.rule_name ORDER BY r.rule_name) INTO v_rules
    FROM audit.dq_rules r WHERE r.enabled AND r.table_name IS NOT DISTINCT FROM p_table_name;

    BEGIN
        v_values := audit._evaluate(audit._rules_query(p_table_name, v_rules), p_load_date);
    EXCEPTION WHEN OTHERS THEN
        v_values := NULL;  -- found out below, rule by rule
    END;

    -- What fails, or has nothing to compare with, is told in the rule's own words.
    SELECT format('SELECT %s%s', string_agg(format('left((%s)::text, 1000) AS %I', r.words, r.rule_name), ', '), ' FROM ' || p_table_name || ' WHERE load_date = $1')
    INTO v_query
    FROM audit.dq_rules r
    JOIN jsonb_each_text(v_values) AS v (name, value) ON v.name = r.rule_name
    WHERE r.words IS NOT NULL AND num_nulls(r.min_value, r.max_value) < 2
      AND (v.value IS NULL OR v.value::numeric < r.min_value OR v.value::numeric > r.max_value)
    HAVING count(*) > 0;
    BEGIN
        v_words := CASE WHEN v_query IS NOT NULL THEN audit._evaluate(v_query, p_load_date) END;
    EXCEPTION WHEN OTHERS THEN
        v_words := NULL;  -- the numbers speak for themselves
    END;

    FOREACH rule_name IN ARRAY v_rules LOOP
        SELECT r.* INTO v_rule FROM audit.dq_rules r WHERE r.rule_name = _judge.rule_name;
        v_is_row := v_rule.min_value IS NULL AND v_rule.max_value IS NULL;
        v_error := NULL;
        observed := NULL;
        sample := NULL;
        BEGIN
            IF v_values IS NULL OR NOT v_values ? rule_name THEN
                observed := (audit._evaluate(audit._rules_query(p_table_name, ARRAY[rule_name]), p_load_date) ->> rule_name)::numeric;
                checked_count := CASE WHEN v_is_row THEN
                    (audit._evaluate(audit._rules_query(p_table_name, '{}'), p_load_date) ->> 'checked rows')::bigint END;
            ELSE
                observed := (v_values ->> rule_name)::numeric;
                checked_count := CASE WHEN v_is_row THEN (v_values ->> 'checked rows')::bigint END;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            -- The error may quote a value of any length.
            v_error := format('the rule cannot be evaluated: %s (%s)', left(SQLERRM, 1000), SQLSTATE);
        END;

        IF v_error IS NOT NULL THEN
            passed := false;
            failed_count := 1;
            checked_count := NULL;
            message := v_error;
        ELSIF v_is_row THEN
            failed_count := observed;
            observed := NULL;
            passed := failed_count = 0;
            message := format('%s of %s rows break it', failed_count, checked_count);
            IF NOT passed THEN
                v_query := format('SELECT array_agg(k.key ORDER BY k.key) AS keys FROM (SELECT DISTINCT left((%s)::text, 200) COLLATE "C" AS key FROM %s WHERE load_date = $1 AND (%s) IS NOT TRUE ORDER BY key LIMIT 5) AS k',
                    coalesce(v_rule.sample, (SELECT s.sample FROM raw.sources s WHERE s.staging_table = p_table_name)),
                    p_table_name, v_rule.expression);
                BEGIN
                    SELECT array_agg(k.key) INTO sample FROM jsonb_array_elements_text(audit._evaluate(v_query, p_load_date) -> 'keys') AS k (key);
                EXCEPTION WHEN OTHERS THEN
                    sample := ARRAY[format('the sample cannot be evaluated: %s', left(SQLERRM, 1000))];
                END;
            END IF;
        ELSE
            passed := coalesce(observed >= v_rule.min_value, true) AND coalesce(observed <= v_rule.max_value, true);
            failed_count := (NOT passed)::integer;
            message := CASE WHEN v_words ->> rule_name IS NOT NULL THEN v_words ->> rule_name
                WHEN observed IS NULL THEN 'nothing to compare with'
                ELSE format('observed %s, allowed %s', trim_scale(round(observed, 6)),
                            concat_ws(' and ', 'at least ' || trim_scale(v_rule.min_value), 'at most ' || trim_scale(v_rule.max_value))) END;
            IF NOT passed AND v_rule.sample IS NOT NULL AND p_table_name IS NULL THEN
                BEGIN
                    sample := ARRAY[left(audit._evaluate(format('SELECT (%s)::text AS told', v_rule.sample), p_load_date) ->> 'told', 1000)];
                    sample := array_remove(sample, NULL);
                EXCEPTION WHEN OTHERS THEN
                    sample := ARRAY[format('the sample cannot be evaluated: %s', left(SQLERRM, 1000))];
                END;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$_judge$;
COMMENT ON FUNCTION audit._judge(text, date) IS 'Judges a day by the enabled rules of one table, in one scan';
