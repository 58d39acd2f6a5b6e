-- Which of the shipped forms a record fits: the share of the fields by which each is known that it has, the best first. One that
-- asks for more fields goes before one that asks for fewer.
CREATE OR REPLACE FUNCTION shapes.score(record json) RETURNS TABLE (routine text, source text, score numeric, description text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT s.routine, s.source, round(count(*) FILTER (WHERE record #> string_to_array(n.name, '.') IS NOT NULL)::numeric / count(*), 2) AS score, s.description
    FROM shapes.shipped() s CROSS JOIN LATERAL unnest(s.needs) AS n (name)
    GROUP BY s.routine, s.source, s.description
    ORDER BY 3 DESC, count(*) DESC, s.routine;
END;
COMMENT ON FUNCTION shapes.score(json) IS 'Which of the shipped forms a record fits, the best first';
