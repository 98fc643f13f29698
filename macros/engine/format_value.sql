{# Expression: a number as a reviewer reads it, by its unit and in one of the two languages. #}
{% macro format_value(number, unit, currency, language) -%}
    {{ adapter.dispatch('format_value')(number, unit, currency, language) }}
{%- endmacro %}

{% macro default__format_value(number, unit, currency, language) -%}
    {%- set words = {
        'en': {'many': 'more than 100', 'none': 'never before', 'purchases': ' purchases', 'days': ' days', 'hours': ' hours',
               'standard_deviations': ' standard deviations', 'times': ' times', 'yes': 'yes', 'no': 'no',
               'merchants': ' merchants', 'cards': ' cards', 'attempts': ' attempts', 'one_in': 'like one purchase in #'},
        'ko': {'many': '100 초과', 'none': '기록 없음', 'purchases': '건', 'days': '일', 'hours': '시간',
               'standard_deviations': ' 표준편차', 'times': '배', 'yes': '예', 'no': '아니요',
               'merchants': '곳', 'cards': '장', 'attempts': '건', 'one_in': '#건 중 1건 수준'},
    }[language] -%}
    case
        when {{ number }} is null then '{{ words.none }}'
        when {{ unit }} = 'currency' and {{ currency }} = 'KRW'
            then format('{:,.0f}', {{ number }}) || ' KRW'
        when {{ unit }} = 'currency' then format('{:,.2f}', {{ number }}) || ' ' || {{ currency }}
        when {{ unit }} = 'times' and abs({{ number }}) >= 100
            then format('{:,.0f}', {{ number }}) || '{{ words.times }}'
        when {{ unit }} = 'times' then format('{:,.1f}', {{ number }}) || '{{ words.times }}'
        when {{ unit }} in ('share', 'rate') then format('{:.0f} %', 100 * {{ number }})
        when {{ unit }} = 'standard_deviations' and {{ number }} > 100
            then '{{ words.many }}{{ words.standard_deviations }}'
        when {{ unit }} = 'standard_deviations'
            then format('{:,.1f}', {{ number }}) || '{{ words.standard_deviations }}'
        when {{ unit }} = 'hour_of_day' then format('{:02.0f}:00', {{ number }})
        when {{ unit }} = 'yes_no' and {{ number }} = 1 then '{{ words.yes }}'
        when {{ unit }} = 'yes_no' then '{{ words.no }}'
        when {{ unit }} = 'hours' then format('{:,.1f}', {{ number }}) || '{{ words.hours }}'
        when {{ unit }} = 'days' then format('{:,.0f}', {{ number }}) || '{{ words.days }}'
        when {{ unit }} = 'purchases' then format('{:,.0f}', {{ number }}) || '{{ words.purchases }}'
        when {{ unit }} = 'merchants'
            then format('{:,.0f}', {{ number }}) || '{{ words.merchants }}'
        when {{ unit }} = 'cards' then format('{:,.0f}', {{ number }}) || '{{ words.cards }}'
        when {{ unit }} = 'attempts' then format('{:,.0f}', {{ number }}) || '{{ words.attempts }}'
        when {{ unit }} = 'kilometres' then format('{:,.1f} km', {{ number }})
        when {{ unit }} = 'kilometres_per_hour' then format('{:,.0f} km/h', {{ number }})
        when {{ unit }} = 'one_in'
            then replace('{{ words.one_in }}', '#', format('{:,.0f}', power(10, {{ number }})))
        when {{ unit }} = 'digits' then format('{:.0f}', {{ number }})
        else format('{:,.1f}', {{ number }})
    end
{%- endmacro %}
