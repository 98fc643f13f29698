{{ config(unique_key='transaction_date') }}
-- Grain: one row per currency, category, grade and day with a purchase: what purchases of that
-- category by that grade looked like over the 90 whole days before, on the scale of log amounts.
-- A small group leans on its category and a small category on all purchases: weight n / (n + m).
with

daily as (
    select
        *,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_peer_daily') }}
    where {{ in_build_window('transaction_date', lookback=90) }}
),

by_category as (
    select
        currency,
        category_key,
        day,
        sum(txn_count) as txn_count,
        sum(log_amount_sum) as log_amount_sum,
        sum(log_amount_square_sum) as log_amount_square_sum
    from daily
    group by currency, category_key, day
),

by_currency as (
    select
        currency,
        day,
        sum(txn_count) as txn_count,
        sum(log_amount_sum) as log_amount_sum,
        sum(log_amount_square_sum) as log_amount_square_sum
    from daily
    group by currency, day
),

peers as (
    select
        currency,
        category_key,
        grade_key,
        transaction_date,
        day,
        coalesce(sum(txn_count) over last_90d, 0) as n,
        (sum(log_amount_sum) over last_90d)::double as total,
        (sum(log_amount_square_sum) over last_90d)::double as total_square
    from daily
    window last_90d as (
        partition by currency, category_key, grade_key order by day
        range between 90 preceding and 1 preceding
    )
),

categories as (
    select
        currency,
        category_key,
        day,
        coalesce(sum(txn_count) over last_90d, 0) as n,
        (sum(log_amount_sum) over last_90d)::double as total,
        (sum(log_amount_square_sum) over last_90d)::double as total_square
    from by_category
    window last_90d as (
        partition by currency, category_key order by day
        range between 90 preceding and 1 preceding
    )
),

currencies as (
    select
        currency,
        day,
        coalesce(sum(txn_count) over last_90d, 0) as n,
        (sum(log_amount_sum) over last_90d)::double as total,
        (sum(log_amount_square_sum) over last_90d)::double as total_square
    from by_currency
    window last_90d as (
        partition by currency order by day
        range between 90 preceding and 1 preceding
    )
),

joined as (
    select
        peers.currency,
        peers.category_key,
        peers.grade_key,
        peers.transaction_date,
        peers.n as peer_n,
        peers.n / (peers.n + {{ var('peer_shrinkage') }}) as peer_weight,
        categories.n / (categories.n + {{ var('peer_shrinkage') }}) as category_weight,
        peers.total / nullif(peers.n, 0) as peer_mean,
        peers.total_square / nullif(peers.n, 0) as peer_square_mean,
        categories.total / nullif(categories.n, 0) as category_mean,
        categories.total_square / nullif(categories.n, 0) as category_square_mean,
        currencies.total / nullif(currencies.n, 0) as all_mean,
        currencies.total_square / nullif(currencies.n, 0) as all_square_mean
    from peers
    inner join categories
        on
            peers.currency = categories.currency
            and peers.category_key = categories.category_key
            and peers.day = categories.day
    inner join currencies
        on
            peers.currency = currencies.currency
            and peers.day = currencies.day
),

shrunken as (
    select
        *,
        peer_weight * coalesce(peer_mean, 0)
        + (1 - peer_weight) * (
            category_weight * coalesce(category_mean, 0) + (1 - category_weight) * all_mean
        ) as log_amount_mean,
        peer_weight * coalesce(peer_square_mean, 0)
        + (1 - peer_weight) * (
            category_weight * coalesce(category_square_mean, 0)
            + (1 - category_weight) * all_square_mean
        ) as log_amount_square_mean
    from joined
),

final as (
    select
        currency,
        category_key,
        grade_key,
        transaction_date,
        peer_n::double as peer_txn_count_90d,
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
