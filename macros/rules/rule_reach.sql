{#
    Expression: how far a threshold may go, from the column reach of the seed rule_thresholds. A
    feature that keeps only what some rule may ask for is cut here and nowhere else:

        where kilometres <= {{ rule_reach('time_place_007', 'maximum_kilometres', 'to') }}

    `end` is the end of the reach that is meant: 'to' of "to 5" and of "from 2 to 4", 'from' of "from
    60" and of "from 2 to 4". The value is a double: cast it where days are counted,

        {{ in_build_window('transaction_date', lookback=rule_reach(...) ~ '::integer') }}

    A model that can go no further without being written anew says so with `fixed`, the only number
    that the seed may then give:

        {{ rule_reach('card_behaviour_011', 'window_days', 'to', fixed=365) }}

    What follows from it: a threshold beyond its reach is refused by `cardwatch run`, before anything
    is built, and by a backtest (orchestration/settings/thresholds.py); with another reach the tables
    that are cut at it, and those made from them, are built anew from the first day on
    (macros/engine/should_full_refresh.sql). Unit tests of such a model give rows of
    ref('rule_thresholds') with a reach of their own, so that tuning breaks none.
#}
{% macro rule_reach(rule_id, parameter, end, fixed=none) -%}
    {%- set number = reach_end('reach', end) -%}
    (
        select
            case
                -- without any row, as `dbt build --empty` makes a warehouse, nothing is cut
                when count(*) = 0 then null
                when count(edge) = 1 then max(edge)
                else
                    error(
                        'seeds/rule_thresholds.csv must have exactly one row for rule '
                        || '{{ rule_id }}, parameter {{ parameter }}, with a reach '
                        || '"{{ end }} {{ fixed or 'NUMBER' }}"'
                    )
            end
        from (
            select
                case
                    when
                        rule_id = '{{ rule_id }}'
                        and parameter = '{{ parameter }}'
                        {% if fixed %}and {{ number }} = {{ fixed }}{% endif %}
                        then {{ number }}
                end as edge
            from {{ ref('rule_thresholds') }}
        ) as edges
    )
{%- endmacro %}
