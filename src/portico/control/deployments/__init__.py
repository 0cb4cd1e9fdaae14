"""What is live and how it came to be: pointers, releases, the audit trail."""
