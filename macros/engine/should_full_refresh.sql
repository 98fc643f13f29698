{#
    dbt asks this of every incremental model: is the table to be built anew from the first day on?
    Where it was asked for, and where a feature was last built with another reach than the seed has
    now: the days that are not built would lack what the rules may ask for since.
#}
{% macro should_full_refresh() %}
    {% set asked = config.get('full_refresh') %}
    {% if asked is none %}
        {% set asked = flags.FULL_REFRESH %}
    {% endif %}
    {% do return(asked or reach_has_changed()) %}
{% endmacro %}

{# Whether the table was built with another reach than it would be built with now. Every
   is_incremental() asks, so the answer is kept with the model. #}
{% macro reach_has_changed() %}
    {% if 'reach_has_changed' not in model %}
        {% do model.update({'reach_has_changed': built_reach_differs()}) %}
    {% endif %}
    {% do return(model['reach_has_changed']) %}
{% endmacro %}

{% macro built_reach_differs() %}
    {% set names = reaches_of_model() %}
    {% if not names %}
        {% do return(false) %}
    {% endif %}
    {% set built = run_query(
        "select comment from duckdb_tables() where database_name = '" ~ this.database
        ~ "' and schema_name = '" ~ this.schema ~ "' and table_name = '" ~ this.identifier ~ "'"
    ) %}
    {% do return(built | length > 0 and built.columns[0].values()[0] != reaches_in_seed(names)) %}
{% endmacro %}

{# Statement: the reach with which the table was just built is its comment, for the next run and for
   a backtest to read. Nothing for a model that is not cut at any. #}
{% macro record_reach() %}
    {% set names = reaches_of_model() %}
    {% if names %}
        comment on table {{ this }} is '{{ reaches_in_seed(names) }}'
    {% endif %}
{% endmacro %}

{# The thresholds, as rule.parameter, at whose reach a feature is cut, or a feature it is made of. #}
{% macro reaches_of_model() %}
    {% set names = [] %}
    {% set folders = ('models/features/', 'models/intermediate/') %}
    {% if execute and model.original_file_path.startswith(folders) %}
        {% set waiting = [model.unique_id] %}
        {% set seen = [] %}
        {% for _ in graph.nodes if waiting %}
            {% set node = graph.nodes[waiting.pop()] %}
            {% do seen.append(node.unique_id) %}
            {% for name in modules.re.findall("rule_reach\\(\\s*'(\\w+)',\\s*'(\\w+)'", node.raw_code) %}
                {% do names.append(name | join('.')) %}
            {% endfor %}
            {% for parent in node.depends_on.nodes if parent not in seen + waiting %}
                {% if graph.nodes.get(parent, {}).get('original_file_path', '').startswith(folders) %}
                    {% do waiting.append(parent) %}
                {% endif %}
            {% endfor %}
        {% endfor %}
    {% endif %}
    {% do return(names | unique | sort) %}
{% endmacro %}

{# These thresholds' reach, as JSON from rule.parameter to the text in the seed. #}
{% macro reaches_in_seed(names) %}
    {# not by ref(): a model that is only made of what is cut does not read the seed itself #}
    {% set found = run_query(
        "select rule_id || '.' || parameter, coalesce(reach, '') from "
        ~ graph.nodes['seed.cardwatch.rule_thresholds'].relation_name
        ~ " where rule_id || '.' || parameter in ('" ~ names | join("', '") ~ "')"
    ) %}
    {% set reaches = {} %}
    {% for name, reach in found.rows %}
        {% do reaches.update({name: reach}) %}
    {% endfor %}
    {% do return(tojson(reaches, sort_keys=true)) %}
{% endmacro %}
