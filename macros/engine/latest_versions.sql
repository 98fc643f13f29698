{#
    Query: the latest landed version of each row that lies on a day which this run builds, or on one
    of the `lookback` days before them. What was sent again since for an earlier day is there and
    stays there.
#}
{% macro latest_versions(relation, id, moment, lookback=0, where='true') -%}
    select * exclude (recency)
    from (
        select
            *,
            row_number() over (partition by {{ id }} order by load_id desc, load_line desc)
                as recency
        from {{ relation }} as versions
        where
            {{ where }}
            and {{ in_changed_days(moment, lookback) }}
            {% if is_incremental() %}
                and not exists (
                    select 1 from {{ relation }} as sent_again
                    where
                        versions.{{ id }} = sent_again.{{ id }}
                        and sent_again.{{ moment }}
                        < (select changed_from - {{ lookback }} from {{ ref('build_window') }})
                        and row(sent_again.load_id, sent_again.load_line)
                        > row(versions.load_id, versions.load_line)
                )
            {% endif %}
    ) as numbered
    where recency = 1
{%- endmacro %}
