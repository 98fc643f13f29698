import detectors


def model(dbt, session):
    schedule = dbt.ref("detector_schedule")
    training = dbt.ref("detector_training")
    features = dbt.ref("feature_catalog")
    issued = dbt.source("ledger", "detector_versions")
    return detectors.fit_due(
        "empirical_tails",
        due=[row[0] for row in schedule.order("trained_until").fetchall()],
        issued=issued.to_arrow_table(),
        features=features.to_arrow_table(),
        parameters=dbt.config.get("parameters"),
        training=lambda day: training.filter(f"trained_until = date '{day}'").to_arrow_table(),
    )
