{{ config(unique_key='run_date') }}

select
    '{{ var("day") }}'::date as run_date,
    (select count(*) from {{ ref('fact_orders') }} where load_date = '{{ var("day") }}') as orders,
    (select count(*) from {{ ref('fact_events') }} where load_date = '{{ var("day") }}') as events,
    (select count(*) from {{ ref('bad_records') }} where load_date = '{{ var("day") }}') as rejected,
    (select sum(revenue) from {{ ref('fact_orders') }} where load_date = '{{ var("day") }}') as revenue
