{{ config(materialized='table') }}

select
    e.raw_events_id as report,
    e.event_id,
    e.user_id,
    e.product_id,
    coalesce(c.canonical_value, lower(trim(e.event_type))) as event_type,
    e.event_ts,
    case
        when e.event_id is null then 'event_id is missing'
        when e.event_type is null then 'event_type is missing'
        when not coalesce(e.event_ts ~ '{{ var("time_pattern") }}', false) then 'event_ts is not a time'
        when e.event_ts::timestamptz not between '{{ var("day") }}'::timestamptz - interval '400 days'
             and '{{ var("day") }}'::timestamptz + interval '1 day' then 'event_ts is out of range'
    end as problem
from {{ source('raw', 'events') }} as e
left join {{ source('raw', 'codes') }} as c on c.kind = 'event_type' and c.source_value = lower(trim(e.event_type))
where e.load_date = '{{ var("day") }}'
