{# The rules' yml entries, retired rules included, in the order of their names. #}
{% macro rule_entries() %}
    {% set entries = [] %}
    {% if execute %}
        {% for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
            | sort(attribute='name') if node.original_file_path.startswith('models/rules/') %}
            {% do entries.append(node) %}
        {% endfor %}
    {% endif %}
    {{ return(entries) }}
{% endmacro %}
