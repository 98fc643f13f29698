import detectors


def model(dbt, session):
    training = dbt.ref("risk_training")
    return detectors.fit_risk_versions(
        due=dbt.ref("risk_due").to_arrow_table(),
        issued=dbt.source("ledger", "risk_versions").to_arrow_table(),
        noisy_or=dbt.ref("noisy_or").to_arrow_table(),
        parameters=dbt.config.get("parameters"),
        training=lambda day: training.filter(f"fitted_on = date '{day}'").to_arrow_table(),
    )
