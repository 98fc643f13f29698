"""What people edit in seeds and rules, checked before a run."""
