"""What `benchmarks/releases.py` is made of."""
