-- Grain: one row per fitting day that is due and purchase that a detector may learn from or be
-- judged on that day: the sample with the features of its purchases.
with

final as (
    select
        sample.fitted_on,
        sample.card_id,
        sample.misuse,
        sample.weight,
        detector_inputs.*
    from {{ ref('detector_training_sample') }} as sample
    inner join {{ ref('detector_inputs') }} as detector_inputs
        on
            sample.transaction_date = detector_inputs.transaction_date
            and sample.transaction_id = detector_inputs.transaction_id
)

select * from final  -- noqa: AM04
