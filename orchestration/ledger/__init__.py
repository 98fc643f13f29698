"""What has been issued: an append-only fact outside dbt's graph."""
