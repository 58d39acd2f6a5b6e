{{ config(materialized='table') }}

with reports as (
    select raw_orders_id as report, raw_json
    from {{ source('raw', 'orders') }}
    where load_date = '{{ var("day") }}'
),

lines as (
    select
        r.report,
        coalesce(i.line_number, 1)::int as line_number,
        r.raw_json ->> 'order_id' as order_id,
        r.raw_json ->> 'user_id' as user_id,
        coalesce(i.item, r.raw_json) ->> 'product_id' as product_id,
        coalesce(i.item, r.raw_json) ->> 'quantity' as quantity,
        coalesce(i.item, r.raw_json) ->> 'price' as price,
        r.raw_json ->> 'timestamp' as order_time,
        lower(trim(r.raw_json ->> 'status')) as source_status,
        coalesce(r.raw_json -> 'user', r.raw_json) ->> 'city' as city,
        coalesce(r.raw_json -> 'user', r.raw_json) ->> 'signup_date' as signup_date,
        coalesce(r.raw_json -> 'user', r.raw_json) ->> 'marketing_source' as marketing_source
    from reports as r
    left join lateral jsonb_array_elements(r.raw_json -> 'items') with ordinality as i (item, line_number) on true
)

select
    l.*,
    c.canonical_value as status,
    case
        when l.order_id is null then 'order_id is missing'
        when l.product_id is null then 'product_id is missing'
        when not coalesce(l.quantity ~ '^[1-9][0-9]{0,8}$', false) then 'quantity is not a number above 0'
        when not coalesce(l.price ~ '^[0-9]{1,9}([.][0-9]{1,9})?$', false) then 'price is not a number of at least 0'
        when c.canonical_value is null then 'status is unknown'
        when not coalesce(l.order_time ~ '{{ var("time_pattern") }}', false) then 'timestamp is not a time'
        when l.order_time::timestamptz not between '{{ var("day") }}'::timestamptz - interval '400 days'
             and '{{ var("day") }}'::timestamptz + interval '1 day' then 'timestamp is out of range'
        when not coalesce(l.signup_date ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', true) then 'signup_date is not a date'
    end as problem
from lines as l
left join {{ source('raw', 'codes') }} as c on c.kind = 'order_status' and c.source_value = l.source_status
