{% test in_range(model, expression) %}
select * from {{ model }} where not ({{ expression }})
{% endtest %}
