{# Joins: the company, and the exchange rate of a currency on a day, for in_company_currency. #}
{% macro join_rates(currency, day) -%}
    cross join {{ ref('company') }} as company
    left outer join {{ ref('int_exchange_rates') }} as rates
        on
            {{ currency }} = rates.currency
            and {{ day }} >= rates.valid_from
            and {{ day }} < rates.valid_until
{%- endmacro %}
