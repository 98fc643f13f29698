{# Claim: the given columns together are the key: no two rows agree in all of them, and none of them
   is ever null. A returned row is a combination that occurs more than once or lacks a part, with the
   number of its rows. #}
{% test key(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 or {{ columns | join(' is null or ') }} is null
{% endtest %}
