-- The ledger: what has been issued. Append-only; written by orchestration/issue.py alone.
create schema if not exists ledger;

create table if not exists ledger.issues (
    issue_id bigint primary key,
    issued_from date not null,
    issued_until date not null,
    issued_at timestamp not null,
    audit_seed varchar not null,
    alert_count bigint not null,
    score_count bigint not null
);

create table if not exists ledger.alerts (
    issue_id bigint not null,
    alert_id varchar not null,
    alert_date date not null,
    place integer not null,
    lane varchar not null,
    case_id varchar not null,
    subject_type varchar not null,
    subject_id varchar not null,
    transaction_id varchar,
    occurred_at timestamp not null,
    card_id varchar,
    employee_id varchar,
    department_id varchar,
    merchant_id varchar,
    merchant_name varchar,
    amount double,
    currency varchar,
    risk double,
    expected_value double,
    rules varchar,
    sentence_en varchar not null,
    sentence_ko varchar not null,
    tree_probability double,
    anomaly_score double,
    tree_version varchar,
    isolation_forest_version varchar,
    empirical_tails_version varchar,
    policy_version varchar not null
);

create table if not exists ledger.alert_reasons (
    issue_id bigint not null,
    alert_id varchar not null,
    kind varchar not null,
    place integer not null,
    code varchar not null,
    version varchar,
    observed_value double,
    threshold_value double,
    text_en varchar not null,
    text_ko varchar not null
);

create table if not exists ledger.case_members (
    issue_id bigint not null,
    case_id varchar not null,
    subject_type varchar not null,
    subject_id varchar not null,
    transaction_id varchar,
    is_alert boolean not null
);

create table if not exists ledger.scores (
    issue_id bigint not null,
    transaction_id varchar not null,
    transaction_date date not null,
    card_id varchar not null,
    merchant_id varchar not null,
    amount double not null,
    currency varchar not null,
    lane varchar,
    review_probability double not null,
    rule_hit_count integer not null,
    rule_risk double not null,
    tree_probability double,
    isolation_forest_tail double,
    empirical_tails_tail double,
    anomaly_score double,
    risk double not null,
    expected_value double not null,
    tree_version varchar,
    isolation_forest_version varchar,
    empirical_tails_version varchar,
    policy_version varchar not null
);

create table if not exists ledger.rule_hits (
    issue_id bigint not null,
    rule_id varchar not null,
    rule_version varchar not null,
    subject_type varchar not null,
    subject_id varchar not null,
    transaction_id varchar,
    occurred_at timestamp not null,
    observed_value double,
    threshold_value double,
    evidence varchar,
    exception_id varchar,
    is_suppressed boolean
);

-- a ledger from before there were exceptions
alter table ledger.rule_hits add column if not exists exception_id varchar;
alter table ledger.rule_hits add column if not exists is_suppressed boolean;

create table if not exists ledger.audit_draws (
    issue_id bigint not null,
    transaction_id varchar not null,
    drawn_on date not null,
    review_probability double not null
);

create table if not exists ledger.detector_versions (
    issue_id bigint not null,
    detector varchar not null,
    version varchar not null,
    trained_until date not null,
    algorithm varchar not null,
    parameters varchar not null,
    features varchar not null,
    training_rows bigint not null,
    positive_labels bigint not null,
    trained_from date,
    data_fingerprint varchar,
    artefact blob,
    artefact_sha256 varchar,
    status varchar not null,
    note varchar
);
