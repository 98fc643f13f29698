{{ config(unique_key='transaction_date') }}
-- Grain: one row per currency, category, department, grade and day with a purchase: what purchases
-- of that category by that grade of that department looked like over the 90 whole days before, on
-- the scale of log amounts. A small group leans on its department, the department on the category
-- and the category on all purchases: weight n / (n + m). The category comes first because it sets
-- the scale: leaning on a department's lunches would make every hotel of a small group conspicuous.
with

daily as (
    select
        *,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_peer_daily') }}
    where {{ in_build_window('transaction_date', lookback=90) }}
),

-- a department in a category, a category, a currency: the keys that are summed over are null
wider_days as (
    select
        currency,
        category_key,
        department_key,
        day,
        sum(txn_count) as txn_count,
        sum(log_amount_sum) as log_amount_sum,
        sum(log_amount_square_sum) as log_amount_square_sum
    from daily
    group by
        grouping sets (
            (currency, category_key, department_key, day),
            (currency, category_key, day),
            (currency, day)
        )
),

wider_purchases as (
    select
        currency,
        category_key,
        department_key,
        day,
        coalesce(sum(txn_count) over last_90d, 0) as purchases,
        (sum(log_amount_sum) over last_90d)::double as total,
        (sum(log_amount_square_sum) over last_90d)::double as square_total
    from wider_days
    window last_90d as (
        partition by currency, category_key, department_key order by day
        range between 90 preceding and 1 preceding
    )
),

peer_purchases as (
    select
        currency,
        category_key,
        department_key,
        grade_key,
        transaction_date,
        day,
        coalesce(sum(txn_count) over last_90d, 0) as purchases,
        (sum(log_amount_sum) over last_90d)::double as total,
        (sum(log_amount_square_sum) over last_90d)::double as square_total
    from daily
    window last_90d as (
        partition by currency, category_key, department_key, grade_key order by day
        range between 90 preceding and 1 preceding
    )
),

joined as (
    select
        peers.currency,
        peers.category_key,
        peers.department_key,
        peers.grade_key,
        peers.transaction_date,
        peers.purchases,
        peers.purchases / (peers.purchases + {{ var('peer_shrinkage') }}) as peer_weight,
        departments.purchases / (departments.purchases + {{ var('peer_shrinkage') }})
            as department_weight,
        categories.purchases / (categories.purchases + {{ var('peer_shrinkage') }})
            as category_weight,
        peers.total / nullif(peers.purchases, 0) as peer_mean,
        peers.square_total / nullif(peers.purchases, 0) as peer_square_mean,
        departments.total / nullif(departments.purchases, 0) as department_mean,
        departments.square_total / nullif(departments.purchases, 0) as department_square_mean,
        categories.total / nullif(categories.purchases, 0) as category_mean,
        categories.square_total / nullif(categories.purchases, 0) as category_square_mean,
        currencies.total / nullif(currencies.purchases, 0) as all_mean,
        currencies.square_total / nullif(currencies.purchases, 0) as all_square_mean
    from peer_purchases as peers
    inner join wider_purchases as departments
        on
            peers.currency = departments.currency
            and peers.category_key = departments.category_key
            and peers.department_key = departments.department_key
            and peers.day = departments.day
    inner join wider_purchases as categories
        on
            peers.currency = categories.currency
            and peers.category_key = categories.category_key
            and peers.day = categories.day
            and categories.department_key is null
    inner join wider_purchases as currencies
        on
            peers.currency = currencies.currency
            and peers.day = currencies.day
            and currencies.category_key is null
),

shrunken as (
    select
        *,
        peer_weight * coalesce(peer_mean, 0)
        + (1 - peer_weight) * (
            department_weight * coalesce(department_mean, 0)
            + (1 - department_weight) * (
                category_weight * coalesce(category_mean, 0) + (1 - category_weight) * all_mean
            )
        ) as log_amount_mean,
        peer_weight * coalesce(peer_square_mean, 0)
        + (1 - peer_weight) * (
            department_weight * coalesce(department_square_mean, 0)
            + (1 - department_weight) * (
                category_weight * coalesce(category_square_mean, 0)
                + (1 - category_weight) * all_square_mean
            )
        ) as log_amount_square_mean
    from joined
),

final as (
    select
        currency,
        category_key,
        department_key,
        grade_key,
        transaction_date,
        purchases::double as peer_txn_count_90d,
        log_amount_mean as peer_log_amount_mean_90d,
        -- greatest() passes over a null: without a mean there is no spread either
        case
            when log_amount_mean is not null
                then sqrt(greatest(log_amount_square_mean - log_amount_mean * log_amount_mean, 0))
        end as peer_log_amount_std_90d
    from shrunken
    where {{ in_build_window('transaction_date') }}
)

select * from final
