{# An order counts once: the last load that has it takes the place of earlier ones. #}
{{ config(unique_key='order_id', indexes=var('fact_orders_indexes')) }}

select
    order_id, line_number, user_id, product_id, to_char(order_ts, 'YYYYMMDD')::int as date_id,
    quantity, unit_price, revenue, order_ts, status, load_date
from {{ ref('stg_orders') }}
where load_date = '{{ var("day") }}'
