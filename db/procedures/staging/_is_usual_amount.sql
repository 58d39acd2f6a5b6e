-- Whether quantity, price and the rest of a line's money are numbers as nearly all are, above or at least 0: they need no more tests. It is inlined.
CREATE OR REPLACE FUNCTION staging._is_usual_amount(p_quantity text, p_price text, p_money staging.line_money) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (octet_length(p_quantity) = 1 AND ascii(p_quantity) BETWEEN ascii('1') AND ascii('9')
        OR p_quantity ~ '^([1-9][0-9]{0,8}([.][0-9]{1,9})?|0[.]0{0,6}[1-9][0-9]{0,6})$')
   AND (staging._is_plain_amount(p_price) OR p_price ~ '^[0-9]{1,9}([.][0-9]{1,9})?$' OR p_price IS NULL AND (p_money).line_total IS NOT NULL)
   AND (p_money IS NOT DISTINCT FROM NULL
        OR coalesce(staging._is_plain_amount((p_money).line_total) OR (p_money).line_total ~ '^[0-9]{1,9}([.][0-9]{1,9})?$', true)
           AND coalesce(staging._is_plain_amount((p_money).discount) OR (p_money).discount ~ '^[0-9]{1,9}([.][0-9]{1,9})?$', true)
           AND coalesce(staging._is_plain_amount((p_money).tax) OR (p_money).tax ~ '^[0-9]{1,9}([.][0-9]{1,9})?$', true)
           AND (p_money).problem IS NOT DISTINCT FROM NULL AND coalesce((p_money).currency ~ '^[A-Z]{3}$', true) AND coalesce((p_money).rate <> 0, true));
COMMENT ON FUNCTION staging._is_usual_amount(text, text, staging.line_money) IS 'Whether the amounts of a line are numbers as nearly all are';
