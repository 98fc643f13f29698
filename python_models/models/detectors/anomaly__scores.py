import detectors


def model(dbt, session):
    features = dbt.ref("feature_catalog").to_arrow_table()
    artefacts = dbt.ref("anomaly__fit").to_arrow_table()
    promotions = dbt.source("ledger", "model_promotions").to_arrow_table()
    purchases = dbt.ref("detector_inputs")
    if dbt.is_incremental:
        first, last = dbt.ref("build_window").select("built_from, built_until").fetchone()
        purchases = purchases.filter(f"transaction_date between date '{first}' and date '{last}'")
    scores = {}
    for (name,) in dbt.ref("detectors").filter("not is_supervised").select("detector").fetchall():
        rows = purchases.select(*detectors.input_columns(name, features)).sql_query()
        # through a connection of its own: this one writes what is read
        batches = session.cursor().sql(rows).to_arrow_reader(100_000)
        scores[name] = detectors.score(
            name, artefacts=artefacts, promotions=promotions, batches=batches
        )
    return detectors.one_after_another(scores)
