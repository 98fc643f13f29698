{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim as last submitted: its vector, that is the claim, the purchase
-- that it names, and the earlier claims and purchases of others that it repeats or that do not go
-- with it. Nothing that came after the claim is looked at. Numbers are doubles; null means "there
-- is none" or "not known", never zero.
with

{% for table in [
    'int_claims', 'feat_claim_repeat', 'feat_claim_card_purchase', 'feat_claim_shared_bill',
    'feat_claim_allowance', 'feat_claim_circle',
] %}
    {{ table }} as (
        select * from {{ ref(table) }}
        where {{ in_build_window('submitted_on') }}
    ),
{% endfor %}

joined as (
    select
        -- exclude() takes bare names
        -- noqa: disable=RF02
        claims.* exclude (transaction_id),
        repeats.* exclude (claim_id, submitted_on),
        card_purchases.* exclude (claim_id, submitted_on),
        shared_bills.* exclude (claim_id, submitted_on),
        allowances.* exclude (claim_id, submitted_on),
        circles.* exclude (claim_id, submitted_on),
        -- noqa: enable=RF02
        claims.transaction_id as named_transaction_id
    from int_claims as claims
    left outer join feat_claim_repeat as repeats
        on
            claims.submitted_on = repeats.submitted_on
            and claims.claim_id = repeats.claim_id
    left outer join feat_claim_card_purchase as card_purchases
        on
            claims.submitted_on = card_purchases.submitted_on
            and claims.claim_id = card_purchases.claim_id
    left outer join feat_claim_shared_bill as shared_bills
        on
            claims.submitted_on = shared_bills.submitted_on
            and claims.claim_id = shared_bills.claim_id
    left outer join feat_claim_allowance as allowances
        on
            claims.submitted_on = allowances.submitted_on
            and claims.claim_id = allowances.claim_id
    left outer join feat_claim_circle as circles
        on
            claims.submitted_on = circles.submitted_on
            and claims.claim_id = circles.claim_id
),

final as (
    select
        -- the claim
        claim_id,
        submitted_on,
        submitted_at,
        employee_id,
        account_code,
        purpose,
        attendees,
        receipt_no,
        approver_id,
        approved_at,
        payment,
        amount::double as amount,
        is_entertainment,
        is_welfare,
        is_gift,
        is_condolence,
        is_without_receipt,
        is_without_attendees,

        -- the purchase that it is about: what it names, else what it seems to ask back; how long
        -- ago that may be is no threshold, or one rule's would move the cases of another
        coalesce(
            named_transaction_id,
            case when days_since_equal_card_purchase <= 30 then card_transaction_id end,
            case
                when days_since_same_purchase_claim <= 90 then same_purchase_transaction_id
                when days_since_same_account_claim <= 90 then same_account_transaction_id
            end
        ) as transaction_id,

        -- the purchase that it names
        named_transaction_id is not null as names_purchase,
        purchase_amount::double as purchase_amount,
        purchase_category,
        purchase_policy,
        -- int_claims looks a year back for it, a day more than claims_009 may allow
        case
            when
                submitted_on - purchased_on
                <= 1 + {{ rule_reach('claims_009', 'maximum_days', 'to', fixed=364) }}
                then submitted_on - purchased_on
        end::double as days_since_purchase,

        -- the same person's claim or purchase that it repeats
        same_purchase_claim_id,
        days_since_same_purchase_claim,
        same_account_claim_id,
        days_since_same_account_claim,
        card_transaction_id,
        days_since_equal_card_purchase,

        -- a claim that does not go with it
        paired_claim_id,
        days_since_paired_claim,
        returned_claim_id,

        -- somebody else's purchase or claim for the same bill
        twin_transaction_id,
        twin_hours_apart,
        twin_claim_id
    from joined
    order by submitted_at, claim_id
)

select * from final
