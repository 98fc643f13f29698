"""What analysts do with rules: try a change, have one suggested, plant misuse."""
