{# Claim: no threshold is beyond its reach, and each reach is written as rules and features read it:
   "from 2", "to 30" or "from 2 to 4". #}
{% test within_reach(model) %}
select *
from {{ model }}
where
    not regexp_full_match(reach, '(from [0-9.]+)?( ?to [0-9.]+)?')
    or {{ is_beyond_reach('threshold', 'reach') }}
{% endtest %}
