-- What others have made that depends on a table or its row type, and who made it.
CREATE OR REPLACE FUNCTION warehouse._needed_by(p_table regclass) RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $_needed_by$
    SELECT coalesce(string_agg(format('%s (made by %s)', pg_describe_object(d.classid, d.objid, d.objsubid),
                                      coalesce(pg_get_userbyid(coalesce(c.relowner, f.proowner, t.typowner)), '?')),
                               ', ' ORDER BY d.classid, d.objid, d.objsubid), 'nothing any more')
    FROM (
        SELECT DISTINCT n.classid, n.objid, n.objsubid
        FROM pg_depend n
        WHERE n.deptype = 'n'
          AND (n.refclassid = 'pg_class'::regclass AND n.refobjid = p_table
               OR n.refclassid = 'pg_type'::regclass AND n.refobjid IN (SELECT unnest(ARRAY[y.oid, y.typarray]) FROM pg_type y WHERE y.typrelid = p_table))
    ) AS d
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
    LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
    LEFT JOIN pg_class c ON c.oid = CASE d.classid WHEN 'pg_class'::regclass THEN d.objid
                                                   ELSE coalesce(r.ev_class, a.adrelid, k.conrelid, p.polrelid) END
    LEFT JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid
    LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid;
$_needed_by$;
COMMENT ON FUNCTION warehouse._needed_by(regclass) IS 'What others have made that depends on a table or its row type, and who made it';
