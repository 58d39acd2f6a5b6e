-- What other systems call the fields of a source, without case, '_', '-', '.' and blanks: {"customerid": "user_id", …}. A name that
-- is ours, spelled otherwise, is among them. Only to tell people which fields of a record look like one that is missing.
CREATE OR REPLACE FUNCTION staging._other_names(p_source text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_other_names$
    SELECT jsonb_object_agg(n.name || e.ending, o.field)
    FROM (VALUES
        ('user_id', '{user,customer,client,buyer,shopper,member,account,visitor,cust}'::text[], '{"",id,no,nr,num,number,key,ref,code,pseudoid,uuid}'::text[]),
        ('product_id', '{product,item,article,variant,sku,asin,prod,goods}', '{"",id,no,nr,num,number,key,ref,code,uuid}'),
        ('order_id', '{order,transaction,purchase,receipt,ord}', '{"",id,no,nr,num,number,key,ref,reference,code,uuid}'),
        ('order_id', '{id,number,no,uuid}', '{""}'),
        ('timestamp', '{time,date,datetime,ts,created,createdat,createdtime,creationtime,creationdate,orderdate,ordertime,orderts,orderedat,placedat,purchasedate,processedat,timestamputc}', '{""}'),
        ('status', '{state,orderstatus,orderstate,financialstatus,paymentstatus,fulfillmentstatus}', '{""}'),
        ('quantity', '{qty,count,units,pieces,unitsordered,qtyordered,quantitypurchased,itemquantity}', '{""}'),
        ('price', '{unitprice,itemprice,priceperunit,singleprice,unitamount,amount,pricenet,pricegross,currentprice}', '{""}'),
        ('event_id', '{event,hit}', '{id,no,uuid,key}'), ('event_id', '{id,uuid}', '{""}'),
        ('event_type', '{eventtype,eventname,event,type,action,name}', '{""}'),
        ('event_ts', '{eventts,eventtime,eventtimestamp,timestamp,time,ts,datetime,createdat,date}', '{""}')
    ) AS o (field, names, endings)
    CROSS JOIN LATERAL unnest(o.names) AS n (name)
    CROSS JOIN LATERAL unnest(o.endings) AS e (ending)
    WHERE o.field = ANY (CASE p_source WHEN 'orders' THEN ARRAY['order_id', 'user_id', 'product_id', 'timestamp', 'status', 'quantity', 'price']
                                       WHEN 'events' THEN ARRAY['event_id', 'user_id', 'product_id', 'event_type', 'event_ts']
                                       ELSE ARRAY['product_id'] END);
$_other_names$;
COMMENT ON FUNCTION staging._other_names(text) IS 'What other systems call the fields of a source';
