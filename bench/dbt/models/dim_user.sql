{{ config(unique_key='user_id', indexes=[{'columns': ['user_id'], 'unique': true}]) }}

with seen as (
    select user_id, order_ts as seen_at from {{ ref('stg_orders') }} where load_date = '{{ var("day") }}'
    union all
    select user_id, event_ts from {{ ref('stg_events') }} where load_date = '{{ var("day") }}'
    union all
    select '(guest)', null
),

sightings as (
    select user_id, min(seen_at) as first_seen_at, max(seen_at) as last_seen_at from seen group by user_id
),

described as (
    select distinct on (user_id) user_id, city, signup_date, marketing_source
    from {{ ref('stg_orders') }}
    where load_date = '{{ var("day") }}' and city is not null and user_id <> '(guest)'
    order by user_id, order_ts desc, order_id desc
)

select
    s.user_id,
    {% if is_incremental() %}
    coalesce(d.city, u.city) as city,
    coalesce(d.signup_date, u.signup_date) as signup_date,
    coalesce(d.marketing_source, u.marketing_source) as marketing_source,
    least(s.first_seen_at, u.first_seen_at) as first_seen_at,
    greatest(s.last_seen_at, u.last_seen_at) as last_seen_at
    {% else %}
    d.city,
    d.signup_date,
    d.marketing_source,
    s.first_seen_at,
    s.last_seen_at
    {% endif %}
from sightings as s
left join described as d on d.user_id = s.user_id
{% if is_incremental() %}
left join {{ this }} as u on u.user_id = s.user_id
{% endif %}
