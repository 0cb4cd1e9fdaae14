"""How providers are reached, and what their models are; one room for each."""
