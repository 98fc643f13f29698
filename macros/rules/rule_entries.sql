{# The rules' yml entries, in the order of their names: what the catalogue is made of. #}
{% macro rule_entries() %}
    {% set entries = [] %}
    {% if execute %}
        {% for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
            | selectattr('name', 'in', active_rules()) | sort(attribute='name') %}
            {% do entries.append(node) %}
        {% endfor %}
    {% endif %}
    {{ return(entries) }}
{% endmacro %}
