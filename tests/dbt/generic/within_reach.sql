{# Claim: no threshold is beyond its reach, and every reach is written as rules and features read it:
   "from 2", "to 30" or "from 2 to 4". #}
{% test within_reach(model) %}
select *
from {{ model }}
where
    not regexp_full_match(reach, '(from [0-9.]+)?( ?to [0-9.]+)?')
    or threshold < try_cast(split_part(split_part(reach, 'from ', 2), ' ', 1) as double)
    or threshold > try_cast(split_part(split_part(reach, 'to ', 2), ' ', 1) as double)
{% endtest %}
