{# Claim: none of the given columns is ever null. It is one query for all of them, so it names the
   first that is null itself, with the number of rows that lack it. #}
{% test filled(model, columns) %}
select column_name
from (
    unpivot (
        select
            {% for column in columns %}
            count(*) - count({{ column }}) as {{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ model }}
    ) on columns(*) into name column_name value empty_rows
) as counted
where
    case
        when empty_rows > 0
            then error('{{ model.identifier }}.' || column_name || ' is empty in ' || empty_rows || ' rows')::boolean
        else false
    end
{% endtest %}
