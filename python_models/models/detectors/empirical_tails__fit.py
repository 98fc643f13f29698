import detectors


def model(dbt, session):
    training = dbt.ref("detector_training")
    return detectors.fit_due(
        "empirical_tails",
        schedule=dbt.ref("detector_schedule")
        .filter("detector = 'empirical_tails'")
        .to_arrow_table(),
        issued=dbt.source("ledger", "detector_versions").to_arrow_table(),
        promotions=dbt.source("ledger", "model_promotions").to_arrow_table(),
        features=dbt.ref("feature_catalog").to_arrow_table(),
        parameters=dbt.config.get("parameters"),
        promotion=dbt.config.get("promotion"),
        training=lambda day: training.filter(f"fitted_on = date '{day}'").to_arrow_table(),
    )
