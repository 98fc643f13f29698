-- What the loader records about its own work, and what a run leaves for the next one.
create schema if not exists raw;
create table if not exists raw.load_manifest (
    load_id bigint, source varchar, feed varchar, file varchar, file_hash varchar,
    rows_loaded bigint, rows_quarantined bigint, rows_new bigint, rows_corrected bigint,
    rows_replaced bigint, rows_unchanged bigint, first_day date, last_day date, loaded_at timestamp
);
-- a warehouse of before
alter table raw.load_manifest add column if not exists rows_new bigint;
alter table raw.load_manifest add column if not exists rows_corrected bigint;
alter table raw.load_manifest add column if not exists rows_replaced bigint;
alter table raw.load_manifest add column if not exists rows_unchanged bigint;
-- by which columns the rows of a raw table are named
create table if not exists raw.feed_keys (source varchar, feed varchar, made_by varchar);
create table if not exists raw.quarantine (
    load_id bigint, source varchar, feed varchar, file varchar, file_hash varchar,
    line bigint, reason varchar, original_text varchar, loaded_at timestamp
);
create table if not exists raw.run_state (
    completed_load_id bigint default 0, completed_until date,
    requested_since date, requested_until date, audit_seed varchar
);
create table if not exists raw.canary_plan (
    seed integer, canaries_per_rule integer, days integer
);
create table if not exists raw.canary_results (
    measured_at timestamp, measured_until date, seed integer, rule_id varchar,
    rule_version varchar, canary_id varchar, is_caught boolean, is_suppressed boolean
);
alter table raw.run_state add column if not exists waiting_since date;
-- first day that was issued and whose cases, monitoring and publication no run has finished yet
alter table raw.run_state add column if not exists unsettled_since date;
insert into raw.run_state (completed_load_id)
select 0 where not exists (from raw.run_state);
