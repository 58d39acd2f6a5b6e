-- A time as most systems write it: ISO 8601, also compact (20250515T100000Z, 20250515), with UTC after it (2025-05-15 10:00:00 UTC),
-- or RFC 2822 (Thu, 15 May 2025 10:00:00 +0200). Without an offset or zone it is UTC.
CREATE OR REPLACE FUNCTION shapes.utc_time(value text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (value || CASE WHEN value ~* '([a-z]|[:t][0-9.,]+ *[+-][0-9]{1,2}(:?[0-9]{2})?)\s*$' THEN '' ELSE ' UTC' END)::timestamptz;
COMMENT ON FUNCTION shapes.utc_time(text) IS 'A time in ISO 8601, also compact or with UTC after it, or in RFC 2822; UTC if it says nothing else';
