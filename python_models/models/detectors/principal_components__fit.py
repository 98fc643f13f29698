import detectors


def model(dbt, session):
    features = dbt.ref("feature_catalog").to_arrow_table()
    columns = detectors.training_columns("principal_components", features)
    training = dbt.ref("detector_training").select("fitted_on", *columns)
    schedule = dbt.ref("detector_schedule").filter("detector = 'principal_components'")
    return detectors.fit_due(
        "principal_components",
        schedule=schedule.to_arrow_table(),
        issued=dbt.source("ledger", "detector_versions").to_arrow_table(),
        promotions=dbt.source("ledger", "model_promotions").to_arrow_table(),
        features=features,
        parameters=dbt.config.get("parameters"),
        promotion=dbt.config.get("promotion"),
        training=lambda day: training.filter(f"fitted_on = date '{day}'").to_arrow_table(),
    )
