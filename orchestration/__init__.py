"""Runs Cardwatch: landing, dbt, checks, issue, publication, and the command line."""
