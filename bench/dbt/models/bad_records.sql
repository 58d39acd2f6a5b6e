{{ config(unique_key='load_date') }}

select '{{ var("day") }}'::date as load_date, 'orders' as source, report, order_id as record_id, problem
from {{ ref('order_lines') }}
where problem is not null
union all
select '{{ var("day") }}'::date, 'events', report, event_id, problem
from {{ ref('event_lines') }}
where problem is not null
