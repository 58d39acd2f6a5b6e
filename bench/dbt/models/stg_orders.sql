{{ config(unique_key='load_date', indexes=[{'columns': ['load_date', 'order_id']}]) }}

with ranked as (
    select *, max(report) over (partition by order_id) as last_report
    from {{ ref('order_lines') }}
)

select
    '{{ var("day") }}'::date as load_date,
    order_id,
    line_number,
    coalesce(user_id, '(guest)') as user_id,
    product_id,
    quantity::int as quantity,
    price::numeric as unit_price,
    quantity::int * price::numeric as revenue,
    order_time::timestamptz as order_ts,
    status,
    city,
    signup_date::date as signup_date,
    marketing_source
from ranked
where report = last_report and problem is null
