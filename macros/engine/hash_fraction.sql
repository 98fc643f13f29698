{# Expression: a fraction in [0, 1) that depends on the text alone: the same row is in or out of a
   sample whoever draws it and whenever. The first 32 bits of md5. #}
{% macro hash_fraction(text) %}{{ adapter.dispatch('hash_fraction')(text) }}{% endmacro %}

{% macro default__hash_fraction(text) -%}
    (('0x' || substr(md5({{ text }}), 1, 8))::bigint / 4294967296.0)
{%- endmacro %}
