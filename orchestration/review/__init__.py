"""The reviewers' work: cases listed, answered and decided, as events that land."""
