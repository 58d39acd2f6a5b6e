-- A trimmed value; NULL if it is a null marker.
--
-- p_value:   a column, or cheap: it stands here six times
-- p_marks:   (SELECT staging._null_marks());  p_markers: (SELECT jsonb_object_agg(m.marker, true) FROM staging.null_markers m),
--            both once per statement, not per row; marks as a column, too: a subselect that stands here twice is not inlined
CREATE OR REPLACE FUNCTION staging._unless_null(p_value text, p_marks varbit, p_markers jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN get_bit(p_marks, (ascii(p_value) * 8 + octet_length(p_value)) & 1023) = 1
                 -- The last byte, as _trimmed reads it.
                 AND get_bit(p_marks, 1024 + ((p_value::name)[octet_length(p_value) - 1]::integer & 255)) = 1
                 AND p_markers ? lower(p_value COLLATE "C") THEN NULL
            ELSE p_value END;
COMMENT ON FUNCTION staging._unless_null(text, varbit, jsonb) IS 'A trimmed value; NULL if it is a null marker';
