-- Grain: one row per fitting day that is due and purchase that the tree may learn from or be
-- judged on that day: the sample with the features of its purchases, what rules said and how odd
-- they were.
with

final as (
    select
        sample.fitted_on,
        sample.card_id,
        sample.misuse,
        sample.weight,
        tree_inputs.*
    from {{ ref('detector_training_sample') }} as sample
    inner join {{ ref('tree_inputs') }} as tree_inputs
        on
            sample.transaction_date = tree_inputs.transaction_date
            and sample.transaction_id = tree_inputs.transaction_id
)

select * from final  -- noqa: AM04
