"""Prices, resolved once at load into integers: `docs/reference/prices.md`.

| module | prices |
|---|---|
| `published` | of the data that ships in genai-prices |
| `service_tiers` | of service tiers that it lacks, from dated data of our own |
| `own` | written in portico.yaml, of the simulator, of capacity paid by the hour; discounts |
| `amounts` | what all share: dollars as integers, exactly |
"""

from portico.cost.prices.amounts import PICO_PER_TOKEN, PICO_PER_USD, UnusablePrice, exact
from portico.cost.prices.own import (
    OVERRIDE_RATES,
    Section,
    discounted,
    hourly_nano,
    override,
    provisioned,
    simulated,
)
from portico.cost.prices.published import Entry, catalogue, context, price_of, resolve, source

__all__ = [
    "OVERRIDE_RATES",
    "PICO_PER_TOKEN",
    "PICO_PER_USD",
    "Entry",
    "Section",
    "UnusablePrice",
    "catalogue",
    "context",
    "discounted",
    "exact",
    "hourly_nano",
    "override",
    "price_of",
    "provisioned",
    "resolve",
    "simulated",
    "source",
]
