{# Expression: an amount in the company's currency; null where there is no rate. Beside it, `company`
   is the seed of that name and `rates` the row of int_exchange_rates for the currency and day, if any. #}
{% macro in_company_currency(amount, currency) -%}
    case
        when coalesce({{ currency }}, company.currency) = company.currency then {{ amount }}
        else try_cast({{ amount }} * rates.rate as decimal(18, 4))
    end
{%- endmacro %}
