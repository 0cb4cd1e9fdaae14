"""The slab: what every storey may speak of. Data, errors and ports; no logic."""
