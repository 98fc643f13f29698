"""What a run proposes, made by hand, and what the ledger and its folder hold afterwards."""

import duckdb

from orchestration.engine.home import Home
from orchestration.ledger.issue import LEDGER_TABLES

#: What a run proposes, with the columns that the step reads; filled by the tests.
PROPOSED = """
    create schema alerts; create schema scoring; create schema detectors;
    create schema run;
    create table alerts.proposed_alerts as from ledger.alerts select * exclude (issue_id);
    create table alerts.proposed_alert_reasons as
        from ledger.alert_reasons
        select * exclude (issue_id, alert_id), '' as subject_type, '' as subject_id;
    create table alerts.alert_queue as
        from ledger.case_members
        select * exclude (issue_id, joined_on), joined_on as review_date, '' as lane;
    create table alerts.below_the_line as from ledger.below_the_line select * exclude (issue_id);
    create table alerts.alert_candidates (subject_type varchar, subject_id varchar, queued_on date);
    create table alerts.review_probabilities (
        transaction_id varchar, queued_on date, lane varchar, silence_id varchar,
        review_probability double, is_audit_draw boolean
    );
    create table alerts.policy as select 'p1' as policy_version;
    create table scoring.risk as
        from ledger.scores
        select
            * exclude (issue_id, lane, silence_id, review_probability, policy_version),
            now() as authorized_at, false as is_mandatory, false as is_explained,
            false as is_anomaly_explained,
            0.0 as tree_risk, 0.0 as anomaly_risk;
    create table scoring.risk_versions as
        from ledger.risk_versions select * exclude (issue_id);
    create table scoring.rule_hits as
        from ledger.rule_hits select * exclude (issue_id), current_date as occurred_on;
    create table detectors.model_fits as
        from ledger.detector_versions select * exclude (issue_id);
    create table run.build_window (
        changed_from date, built_from date, built_until date, latest_load_id bigint
    );
    insert into run.build_window
    values ('2025-01-01', '2025-01-01', '2025-01-31', 7);
    update raw.run_state set audit_seed = 'seed';
"""


def propose_a_score(
    warehouse: duckdb.DuckDBPyConnection, transaction_id: str, day: str = "2025-01-20"
) -> None:
    warehouse.execute(
        """
        insert into scoring.risk by name
        select
            $1 as transaction_id, $2::date as transaction_date, 'c' as card_id,
            'm' as merchant_id, 1.0 as amount, 'KRW' as currency, 1 as rule_hit_count,
            0.1 as rule_risk, 0.1 as risk, 'noisy_or-1' as risk_version, 0.0 as expected_value
        """,
        [transaction_id, day],
    )
    warehouse.execute(
        "insert into alerts.review_probabilities values ($1, $2, null, null, 0.5, true)",
        [transaction_id, day],
    )


def draw_a_seed(warehouse: duckdb.DuckDBPyConnection) -> None:
    """As the run does before every build."""
    warehouse.execute("update raw.run_state set audit_seed = 'seed'")


def content(warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: warehouse.execute(f"from ledger.{table} order by all").fetchall()
        for table in LEDGER_TABLES
    }


def files(home: Home) -> list[str]:
    if not home.ledger.exists():
        return []
    return sorted(
        str(path.relative_to(home.ledger)) for path in home.ledger.rglob("*") if path.is_file()
    )
