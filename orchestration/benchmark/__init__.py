"""Benchmarks: how Cardwatch does on public data, by a published protocol."""
