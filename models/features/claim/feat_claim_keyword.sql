{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim whose purpose holds a word that is closed to company cards.
with

claims as (
    select
        claim_id,
        submitted_on,
        purpose
    from {{ ref('int_claims') }}
    where {{ in_build_window('submitted_on') }}
),

-- words are looked up once a text, not once a claim
worded as (
    select
        purposes.purpose,
        min(keywords.keyword) as purpose_keyword
    from (select distinct purpose from claims) as purposes
    inner join {{ ref('merchant_keywords') }} as keywords
        on
            contains(lower(purposes.purpose), keywords.keyword)
            and keywords.meaning in ('restricted', 'gift_card')
    group by purposes.purpose
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        worded.purpose_keyword
    from claims
    inner join worded on claims.purpose = worded.purpose
)

select * from final
