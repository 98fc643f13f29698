-- The ledger: what has been issued. Append-only; written by orchestration/ledger/issue.py alone.
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
    second_of varchar,
    subject_type varchar not null,
    subject_id varchar not null,
    transaction_id varchar,
    occurred_at timestamp not null,
    card_id varchar,
    employee_id varchar,
    department_id varchar,
    merchant_id varchar,
    merchant_name varchar,
    amount decimal(18, 4),
    currency varchar,
    risk double,
    expected_value double,
    rules varchar,
    sentence_en varchar not null,
    sentence_ko varchar not null,
    tree_probability double,
    anomaly_score double,
    tree_version varchar,
    anomaly_versions varchar,
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
    is_alert boolean not null,
    joined_on date not null,
    occurred_at timestamp not null,
    employee_id varchar,
    merchant_id varchar,
    approver_id varchar,
    common_cause varchar
);

-- How rules, tree and detectors become one probability. The version in use on a day is the latest
-- stack that was put into use on or before it; noisy-or where there is none, and for purchases with a
-- part that the stack has not learned about (another version of the tree, a coefficient that is null).
create table if not exists ledger.risk_versions (
    issue_id bigint not null,
    version varchar not null,
    fitted_on date not null,
    method varchar not null,
    tree_version varchar,
    intercept double,
    rule_coefficient double,
    tree_coefficient double,
    no_tree_coefficient double,
    anomaly_coefficient double,
    anomaly_tail_from double not null,
    anomaly_tail_full double not null,
    decided_misuse bigint not null,
    decided_innocent bigint not null,
    holdout_from date,
    holdout_until date,
    compared_with varchar,
    log_loss double,
    log_loss_before double,
    calibration_error double,
    is_in_use boolean not null,
    verdict_reason varchar not null
);

create table if not exists ledger.scores (
    issue_id bigint not null,
    transaction_id varchar not null,
    transaction_date date not null,
    card_id varchar not null,
    merchant_id varchar not null,
    amount decimal(18, 4),
    currency varchar not null,
    lane varchar,
    silence_id varchar,
    review_probability double not null,
    rule_hit_count integer not null,
    rule_risk double not null,
    tree_probability double,
    -- and <detector>_tail double of each detector that needs no labels, added by issue.py
    anomaly_score double,
    risk double not null,
    risk_version varchar not null,
    expected_value double not null,
    tree_version varchar,
    anomaly_versions varchar,
    policy_version varchar not null
);

create table if not exists ledger.below_the_line (
    issue_id bigint not null,
    review_date date not null,
    currency varchar not null,
    unreviewed_purchases bigint not null,
    unreviewed_amount decimal(18, 4) not null,
    expected_misuse double not null,
    silenced_purchases bigint not null,
    cases_below bigint not null,
    subjects_below bigint not null,
    expected_misuse_below double not null,
    best_value_below double
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
    fitted_on date not null,
    fitted_because varchar not null,
    algorithm varchar not null,
    parameters varchar not null,
    features varchar not null,
    features_version varchar not null,
    trained_from date,
    trained_until date not null,
    training_rows bigint not null,
    positive_labels bigint not null,
    negative_labels bigint not null,
    data_fingerprint varchar,
    holdout_from date,
    holdout_until date,
    metrics varchar,
    compared_with varchar,
    comparison varchar,
    verdict varchar not null,
    verdict_reason varchar not null,
    is_promoted boolean not null,
    artefact blob,
    artefact_sha256 varchar,
    status varchar not null,
    note varchar
);

-- Which version scores from which day on. The latest word on a detector and day holds.
create table if not exists ledger.model_promotions (
    issue_id bigint not null,
    detector varchar not null,
    version varchar not null,
    champion_from date not null,
    decided_at timestamp not null,
    decided_by varchar not null,
    reason varchar not null
);

create table if not exists ledger.retrain_requests (
    issue_id bigint not null,
    detector varchar not null,
    requested_on date not null,
    requested_at timestamp not null,
    requested_by varchar not null,
    reason varchar not null
);

-- Which files of the landing folder the runs up to an issue had finished with, in the order in which
-- they were loaded: a lost warehouse loads them in this order again, for the newer row holds.
create table if not exists ledger.loads (
    issue_id bigint not null,
    load_id bigint not null,
    source varchar not null,
    feed varchar not null,
    file varchar not null,
    file_hash varchar not null,
    loaded_at timestamp not null
);

-- The hash of each issue's manifest among the files; what ties the files to this warehouse.
create table if not exists ledger.chain (
    issue_id bigint primary key,
    sha256 varchar not null
);
