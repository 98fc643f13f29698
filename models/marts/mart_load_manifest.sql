-- Grain: one row per file.
select
    load_id,
    source,
    feed,
    file,
    file_hash,
    rows_loaded,
    rows_quarantined,
    rows_new,
    rows_corrected,
    rows_replaced,
    rows_unchanged,
    first_day,
    last_day,
    loaded_at
from {{ source('raw', 'load_manifest') }}
