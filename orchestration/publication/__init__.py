"""What leaves the warehouse: the published copy, the rule pages, the report."""
