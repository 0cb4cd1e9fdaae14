"""What `benchmarks/cost.py` is made of."""
