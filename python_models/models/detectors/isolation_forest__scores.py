import pyarrow as pa

import detectors


def model(dbt, session):
    purchases = dbt.ref("detector_inputs")
    artefacts = dbt.ref("isolation_forest__fit")
    features = dbt.ref("feature_catalog")
    window = dbt.ref("int_build_window")
    if dbt.is_incremental:
        purchases = purchases.join(window, "transaction_date between built_from and built_until")
    columns = detectors.input_columns("isolation_forest", features.to_arrow_table())
    reader = session.cursor().sql(purchases.select(*columns).sql_query()).to_arrow_reader(100_000)
    fitted = artefacts.to_arrow_table()
    scored = detectors.score("isolation_forest", artefacts=fitted, batches=reader)
    return pa.RecordBatchReader.from_batches(detectors.SCORE_SCHEMA, scored)
