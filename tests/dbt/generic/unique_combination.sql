{# Claim: no two rows agree in all of the given columns. A returned row is a combination that occurs
   more than once, with the number of its rows. #}
{% test unique_combination(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
