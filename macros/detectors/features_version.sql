{# Expression: changes with the SQL of any feature, so that a model version says what it has read. #}
{% macro features_version() -%}
    {%- set checksums = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.original_file_path.startswith('models/features/') -%}
        {%- do checksums.append(node.checksum.checksum[:8]) -%}
    {%- endfor -%}
    substr(md5('{{ checksums | sort | join('') }}'), 1, 8)
{%- endmacro %}
