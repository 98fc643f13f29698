"""How a company's files become rows of raw, or of the quarantine."""
