"""The ledger as it is read: what calls left behind."""
