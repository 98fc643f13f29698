{#
    Expression: kilometres between two places on the globe, in degrees (haversine formula); null when
    a coordinate is. Rounding may take the haversine of opposite places beyond 1.
#}
{% macro kilometres_between(latitude, longitude, other_latitude, other_longitude) -%}
    {%- set haversine -%}
        power(sin(radians({{ other_latitude }} - {{ latitude }}) / 2), 2)
        + cos(radians({{ latitude }})) * cos(radians({{ other_latitude }}))
        * power(sin(radians({{ other_longitude }} - {{ longitude }}) / 2), 2)
    {%- endset -%}
    (2 * 6371.0088 * asin(case when {{ haversine }} > 1 then 1 else sqrt({{ haversine }}) end))
{%- endmacro %}
