{{ config(pre_hook=[
    'create schema if not exists monitoring',
    'create table if not exists monitoring.quality_results (
        run_id varchar not null,
        checked_at timestamp not null,
        asset varchar not null,
        check_name varchar not null,
        passed boolean not null,
        blocking boolean not null,
        description varchar
    )',
]) }}
-- Grain: one row per run and check of an asset. The table is filled when a run ends, after its
-- models are built (orchestration/defs/publish.py); before the first run it is empty.
select
    run_id,
    checked_at,
    asset,
    check_name,
    passed,
    blocking,
    description
from {{ source('monitoring', 'quality_results') }}
