{# Expression: the identifier that the loader gives a row with these key columns (its _key): the
   source before them, joined by ":". What refers to such a row from another feed is made alike. Null
   where a column is null. With within_file, the keys hold only within the file of the row. #}
{% macro key_of(source_name, columns, within_file=false) -%}
    {%- set parts = ["'" ~ source_name ~ "'"] -%}
    {%- if within_file -%}
        {%- do parts.append(
            _key_part("replace(_file, '-' || left(_file_hash, 8), '')", is_last=false)
        ) -%}
    {%- endif -%}
    {%- for column in columns -%}
        {%- do parts.append(_key_part(column ~ '::varchar', is_last=loop.last)) -%}
    {%- endfor -%}
    {{ parts | join(" || ':' || ") }}
{%- endmacro %}

{# A ":" within a part but the last would be taken for the end of the part. #}
{% macro _key_part(text, is_last) -%}
    {%- if is_last -%}
        {{ text }}
    {%- else -%}
        replace(replace({{ text }}, '%', '%25'), ':', '%3A')
    {%- endif -%}
{%- endmacro %}
