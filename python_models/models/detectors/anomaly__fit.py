import pyarrow as pa

import detectors


def model(dbt, session):
    features = dbt.ref("feature_catalog").to_arrow_table()
    schedule, rows = dbt.ref("detector_schedule"), dbt.ref("detector_training")
    shared = {
        "issued": dbt.source("ledger", "detector_versions").to_arrow_table(),
        "promotions": dbt.source("ledger", "model_promotions").to_arrow_table(),
        "features": features,
        "promotion": dbt.config.get("promotion"),
    }

    def fit(name):
        training = rows.select("fitted_on", *detectors.training_columns(name, features))
        return detectors.fit_due(
            name,
            schedule=schedule.filter(f"detector = '{name}'").to_arrow_table(),
            parameters=dbt.config.get("parameters").get(name),
            training=lambda day: training.filter(f"fitted_on = date '{day}'").to_arrow_table(),
            **shared,
        )

    names = dbt.ref("detectors").filter("not is_supervised").select("detector").fetchall()
    return pa.concat_tables([fit(name) for (name,) in names])
