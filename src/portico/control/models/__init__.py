"""The catalogue as evidence: what is pinned, what retires, what was called."""
