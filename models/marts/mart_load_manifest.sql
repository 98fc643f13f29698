-- Grain: one row per file.
select
    load_id,
    source,
    feed,
    file,
    file_hash,
    rows_loaded,
    rows_quarantined,
    first_day,
    last_day,
    loaded_at
from {{ source('raw', 'load_manifest') }}
