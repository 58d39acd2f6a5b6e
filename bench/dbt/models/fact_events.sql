{{ config(unique_key=['event_id', 'event_ts'], indexes=var('fact_events_indexes')) }}

select
    event_id, user_id, product_id, to_char(event_ts, 'YYYYMMDD')::int as date_id, event_type, event_ts, load_date
from {{ ref('stg_events') }}
where load_date = '{{ var("day") }}'
