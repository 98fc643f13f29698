-- What a text may say for a code of each kind, from the seeds in the folder `seeds`.
create or replace temp table code_spellings as
with

written as (
    select
        'currency' as kind,
        unnest([currency, numeric_code, name]) as spelling,
        currency as code
    from read_csv(getvariable('seeds') || '/iso_currencies.csv', all_varchar = true)

    union all

    select
        'country' as kind,
        unnest([country, alpha3_code, numeric_code, name_en, name_ko]) as spelling,
        country as code
    from read_csv(getvariable('seeds') || '/iso_countries.csv', all_varchar = true)

    union all

    select
        kind,
        unnest([spelling, code]) as spelling,
        code
    from read_csv(getvariable('seeds') || '/code_spellings.csv', all_varchar = true)
)

select
    kind,
    code_key(spelling) as spelling,
    min(code) as code
from written
group by kind, code_key(spelling)
-- what could be two codes is none
having count(distinct code) = 1;
