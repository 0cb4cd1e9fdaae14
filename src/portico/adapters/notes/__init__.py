"""Notes: what is kept beside the ledger, written soon and within bounds of memory."""
