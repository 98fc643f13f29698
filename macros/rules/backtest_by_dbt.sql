{#
    dbt run-operation backtest --args '{rule: limit_evasion_001, set: {minimum_purchases: 3}}'
    The same from within dbt: what the view in the warehouse finds, and with other thresholds.
#}
{% macro backtest(rule, set={}, since='0001-01-01') %}
    {% set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
        | selectattr('config.meta.rule_id', 'defined')
        | selectattr('config.meta.rule_id', 'equalto', rule) | list %}
    {% if not nodes %}
        {% do exceptions.raise_compiler_error(
            "there is no rule " ~ rule ~ "; look in models/rules for the rule_id"
        ) %}
    {% endif %}
    {% set thresholds = ref('rule_thresholds') %}
    {% do run_query("create or replace temp table changed_thresholds as from " ~ thresholds) %}
    {% for parameter, value in set.items() %}
        {% set known = run_query(
            "select coalesce(reach, '') from changed_thresholds where rule_id = '" ~ rule
            ~ "' and parameter = '" ~ parameter | replace("'", "''") ~ "'"
        ) %}
        {% if known | length != 1 %}
            {% do exceptions.raise_compiler_error(
                "rule " ~ rule ~ " has no threshold " ~ parameter
                ~ "; seeds/rule_thresholds.csv lists them"
            ) %}
        {% endif %}
        {% set built = run_query(backtest_built_reaches(rule, parameter)).columns[0].values() | list %}
        {% for reach in known.columns[0].values() | list + built %}
            {% if run_query("select " ~ is_beyond_reach(value | float, "'" ~ reach ~ "'")).columns[0].values()[0] %}
                {% do exceptions.raise_compiler_error(
                    "rule " ~ rule ~ " cannot look for " ~ parameter ~ " = " ~ value
                    ~ ": what it reads reaches " ~ reach ~ "; choose a value there, or widen the reach "
                    ~ "in seeds/rule_thresholds.csv and let `cardwatch run` build it"
                ) %}
            {% endif %}
        {% endfor %}
        {% do run_query(
            "update changed_thresholds set threshold = " ~ (value | float) ~ " where rule_id = '"
            ~ rule ~ "' and parameter = '" ~ parameter ~ "'"
        ) %}
    {% endfor %}
    {% set view = run_query(
        "select sql from duckdb_views() where database_name = '" ~ target.database
        ~ "' and schema_name = 'rules' and view_name = '" ~ nodes[0].name ~ "'"
    ).columns[0].values() %}
    {% if not view %}
        {% do exceptions.raise_compiler_error(
            nodes[0].name ~ " is not in the warehouse; build it first: dbt build -s " ~ nodes[0].name
        ) %}
    {% endif %}
    {% set now = view[0].partition(' AS ')[2].rstrip(';') %}
    {% set changed = now | replace(
        [thresholds.database, thresholds.schema, thresholds.identifier] | join('.'),
        'changed_thresholds'
    ) %}
    {% do run_query(backtest_hits(now, changed, since)) %}
    {% for query in [
        backtest_totals(var('review_minutes')),
        backtest_by('month'),
        backtest_by('department_id'),
        backtest_overlap(rule),
        backtest_examples(),
    ] %}
        {% do run_query(query).print_table(max_rows=40, max_columns=20, max_column_width=60) %}
        {% do print('') %}
    {% endfor %}
{% endmacro %}
