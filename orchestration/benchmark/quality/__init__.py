"""How much misuse is found, on the demo company and on public data."""
