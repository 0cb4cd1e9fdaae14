"""Load tests of workloads: their results, kept as evidence and compared."""
