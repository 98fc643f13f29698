import detectors


def model(dbt, session):
    training = dbt.ref("risk_training")
    schedule = dbt.ref("detector_schedule").filter("detector = 'gradient_boosted_tree'")
    return detectors.fit_risk_versions(
        schedule=schedule.to_arrow_table(),
        issued=dbt.source("ledger", "risk_versions").to_arrow_table(),
        noisy_or=dbt.ref("noisy_or").to_arrow_table(),
        parameters=dbt.config.get("parameters"),
        training=lambda day: training.filter(f"fitted_on = date '{day}'").to_arrow_table(),
    )
