{#
    The relation with what alert_queue gave for the days before walked_day(). The ephemeral models
    queue_day_* are parts of its statement: ref() would be a circle, and `this` their own name.
#}
{% macro queue_so_far() -%}
    alerts.alert_queue
{%- endmacro %}
