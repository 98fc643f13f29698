import pyarrow as pa

import detectors


def model(dbt, session):
    features = dbt.ref("feature_catalog").to_arrow_table()
    purchases = dbt.ref("detector_inputs").select(
        *detectors.input_columns("principal_components", features)
    )
    if dbt.is_incremental:
        first, last = dbt.ref("build_window").select("built_from, built_until").fetchone()
        purchases = purchases.filter(f"transaction_date between date '{first}' and date '{last}'")
    scored = detectors.score(
        "principal_components",
        artefacts=dbt.ref("principal_components__fit").to_arrow_table(),
        promotions=dbt.source("ledger", "model_promotions").to_arrow_table(),
        batches=session.cursor().sql(purchases.sql_query()).to_arrow_reader(100_000),
    )
    return pa.RecordBatchReader.from_batches(detectors.SCORE_SCHEMA, scored)
