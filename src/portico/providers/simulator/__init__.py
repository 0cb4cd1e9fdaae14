"""The simulator: models that answer without a provider, for newcomers, tests and drills.

Everything here is pure. `portico.adapters.simulator` performs what this room decides.
"""
