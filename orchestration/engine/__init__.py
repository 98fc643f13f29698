"""What belongs to a tool and not to the subject: DuckDB, dbt, Dagster, Great Expectations."""
