{{ config(unique_key='product_id', indexes=[{'columns': ['product_id'], 'unique': true}]) }}

with catalogue as (
    select
        raw_json ->> 'product_id' as product_id,
        raw_json ->> 'product_name' as product_name,
        raw_json ->> 'category' as category,
        raw_json ->> 'brand' as brand,
        (raw_json ->> 'current_price')::numeric as current_price
    from {{ source('raw', 'products') }}
    where load_date = '{{ var("day") }}'
),

mentioned as (
    select product_id from {{ ref('stg_orders') }} where load_date = '{{ var("day") }}'
    union
    select product_id from {{ ref('stg_events') }} where load_date = '{{ var("day") }}'
    union
    select '(none)'
)

select * from catalogue
union all
select m.product_id, null, null, null, null
from mentioned as m
where not exists (select from catalogue as c where c.product_id = m.product_id)
{% if is_incremental() %}
  and not exists (select from {{ this }} as p where p.product_id = m.product_id)
{% endif %}
