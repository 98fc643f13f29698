{# Expression: the time of day as an angle in radians, a whole turn being 24 hours, to the minute. #}
{% macro angle_of_day(moment) -%}
    (
        2 * pi()
        * (extract('hour' from {{ moment }}) + extract('minute' from {{ moment }}) / 60)
        / 24
    )
{%- endmacro %}
