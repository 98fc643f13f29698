"""Dagster assets and checks, one module per stage of a run."""
