{{ config(unique_key='load_date', indexes=[{'columns': ['load_date', 'event_id']}]) }}

with ranked as (
    select *, row_number() over (partition by event_id, event_ts order by report desc) as place
    from {{ ref('event_lines') }}
    where problem is null
)

select
    '{{ var("day") }}'::date as load_date,
    event_id,
    coalesce(user_id, '(guest)') as user_id,
    coalesce(product_id, '(none)') as product_id,
    event_type,
    event_ts::timestamptz as event_ts
from ranked
where place = 1
