-- What audit._code_changes finds, in words: "new: order_status on_hold (12 rows)".
CREATE OR REPLACE FUNCTION audit._code_words(p_what text, p_day date, p_is_new boolean) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_code_words$
    SELECT CASE WHEN count(*) = 0 THEN format('no %s are %s', p_what, CASE WHEN p_is_new THEN 'new' ELSE 'gone' END)
                ELSE format('%s: %s', CASE WHEN p_is_new THEN 'new' ELSE 'gone' END, string_agg(c.told, ', ' ORDER BY c.place) FILTER (WHERE c.place <= 5))
                     || CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) ELSE '' END END
    FROM (SELECT row_number() OVER () AS place,
                 format(CASE WHEN p_is_new THEN '%s %s (%s rows)' ELSE '%s %s (usually %s rows, on %s of %s days)' END,
                        x.kind, x.code, x.rows, x.days, x.of_days) AS told
          FROM audit._code_changes(p_what, p_day) x WHERE x.is_new = p_is_new) AS c;
$_code_words$;
COMMENT ON FUNCTION audit._code_words(text, date, boolean) IS 'The codes or fields of a day that are new, or gone, in words';
