{#
    Query: each purchase of `records` with the nearest earlier approval that no purchase between the
    two takes, among those that are the same in the columns `same`; one to one. Records on one day
    are paired in order of time.
    An approval opens a bracket and a purchase closes the last one that is open; of two with the
    same depth, and nothing of that depth between, the purchase closes the approval.
#}
{% macro nearest_approvals(records, same) -%}
    {%- set order %}
        order by day, is_approval desc,
        case when is_approval then -{{ microsecond_number('authorized_at') }}
            else {{ microsecond_number('authorized_at') }} end,
        transaction_id
    {%- endset %}
    select
        approval_id,
        purchase_id,
        approved_on
    from (
        select
            is_approval,
            transaction_id as purchase_id,
            day as purchased_on,
            approval_no as purchase_no,
            lag(is_approval) over at_depth as follows_approval,
            lag(transaction_id) over at_depth as approval_id,
            lag(day) over at_depth as approved_on,
            lag(approval_no) over at_depth as its_no
        from (
            select
                *,
                -- a purchase that closes nothing leaves the depth where it is
                height - least(min(height) over by_time, 0) + case when is_approval then 0 else 1 end
                    as depth
            from (
                select
                    *,
                    sum(case when is_approval then 1 else -1 end) over (
                        partition by {{ same | join(', ') }} {{ order }}
                        rows between unbounded preceding and current row
                    ) as height
                from {{ records }}
            ) as heights
            window by_time as (
                partition by {{ same | join(', ') }} {{ order }}
                rows between unbounded preceding and current row
            )
        ) as depths
        window at_depth as (partition by {{ same | join(', ') }}, depth {{ order }})
    ) as followed
    where
        not is_approval
        and follows_approval
        and purchased_on - approved_on <= {{ var('approval_days') }}
        and coalesce(purchase_no = its_no, true)
{%- endmacro %}
